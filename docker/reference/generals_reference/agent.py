"""A self-play agent: ``agent``. Plays rounds of games and sends what it lived to the buffer."""

from __future__ import annotations

import logging
import secrets
import time
import zlib

import grpc
import numpy as np
from prometheus_client import Counter, Gauge

from generals_reference import evaluation, metrics, models, rpc, service, supply, trace
from generals_reference.episode import Episode
from generals_reference.experience import pack
from generals_reference.policy.players import Heuristic, Player, Random
from generals_reference.round import Options, Round, Seat
from generals_reference.settings import Settings
from generals_reference.v1 import buffer_pb2, game_pb2_grpc, model_pb2

PAUSE = 2.0  # seconds after something was not available
MAX_RESULTS = 1000  # kept while the model server does not take them
MAX_WAITING = 512  # fragments kept while the buffer does not take them; then the oldest go
APPEND = 32  # fragments in one request
OUTCOMES = {1.0: "won", 0.0: "drawn", -1.0: "lost"}
RESULTS = Counter("generals_agent_games_total", "Games of the policy", ["opponent", "result"])
SENT = Counter("generals_agent_experiences_total", "Experiences acknowledged by the buffer")
LOST = Counter("generals_agent_experiences_dropped_total", "Experiences that found no room")
WAITING = Gauge("generals_agent_experiences_waiting", "Experiences not yet acknowledged")
VERSION = Gauge("generals_agent_model_version", "Version of the weights being played")
ROUND_SECONDS = Gauge("generals_agent_round_seconds", "Time that the last round took")

log = logging.getLogger(__name__)


class Agent:
    """Plays rounds: a set of games, from their creation to the end of the last."""

    def __init__(self, settings: Settings, options: Options, stop: service.Stop) -> None:
        self.name = f"{settings.name}-{secrets.token_hex(3)}"
        self.options, self.stop = options, stop
        self.rng = np.random.default_rng(zlib.crc32(self.name.encode()))
        stub = game_pb2_grpc.GameServerStub
        self.games = rpc.servers(settings, "GAME_SERVER", 50051, stub, self.name)
        self.buffers = supply.buffers(settings, self.name)
        self.models = models.servers(settings, self.name)
        self.latest, self.promoted, self.candidate = (
            models.Followed(self.models, which, self.rng)
            for which in (models.LATEST, models.PROMOTED, models.CANDIDATE)
        )
        self.others: dict[str, Player] = {
            "random": Random(self.rng),
            "heuristic": Heuristic(self.rng),
        }
        for kind in set(options.opponents) - {"evaluation"}:  # zeros, so that rates begin at 0
            for result in OUTCOMES.values():
                RESULTS.labels(kind, result)
        self.results: list[model_pb2.Match] = []
        self.heartbeat = metrics.Heartbeat()
        self.waiting: list[buffer_pb2.Experience] = []

    def run(self) -> None:
        """Play until asked to stop, and then send what is left."""
        while not self.stop.is_set():
            self.heartbeat.beat()
            sampled = bool(self.rng.random() < self.options.trace_ratio)
            with trace.span("round", sampled=sampled) as span:
                self.round()
                span.attributes |= {"agent": self.name, "model.version": self.latest.version}
                self.send()

    def round(self) -> None:
        """One round of games; it is broken off if the game server goes away."""
        began = time.monotonic()
        self.refresh()
        current = Round(self.games.stub, self.options, self.stop.wait)
        try:
            current.join(self.name, int(self.rng.integers(1 << 48)), self.pairs())
            for _ in current.play():
                self.heartbeat.beat()
                if self.stop.is_set():
                    return
            ROUND_SECONDS.set(time.monotonic() - began)
        except grpc.RpcError as error:
            tell("round broken off", error)
            self.games.next()
            self.stop.wait(PAUSE)
        finally:
            for seat, result in current.finished:
                self.finish(seat, result)

    def pairs(self) -> list[list[Seat]]:
        """The sides of each game of a round, in the order of the seats."""
        kinds = self.options.opponents
        pairs = [self.sides(kinds[index % len(kinds)]) for index in range(self.options.games)]
        for pair in pairs:
            self.rng.shuffle(pair)
        return pairs

    def refresh(self) -> None:
        """Report the matches of the round before, and fetch the weights that have changed.

        While the model server is away the agent plays on with the weights that it has.
        """
        try:
            if self.results:
                self.models.call("Report", model_pb2.ReportRequest(matches=self.results))
                self.results = []
            for followed in (self.latest, self.promoted, self.candidate):
                if followed.refresh():
                    log.debug("new weights", extra={"version": followed.version})
        except grpc.RpcError as error:
            tell("plays on without news of the models", error)
        del self.results[:-MAX_RESULTS]
        VERSION.set(self.latest.version)

    def sides(self, opponent: str) -> list[Seat]:
        """The two sides of a game of this kind."""
        policy = self.latest.player
        if opponent in self.others:
            versions = (self.latest.version, evaluation.RANDOM)
            match = versions if opponent == "random" and self.latest.version else None
            return [Seat(policy, opponent, Episode(), match), Seat(self.others[opponent], "self")]
        if opponent == "evaluation" and self.candidate.version != self.promoted.version:
            match = (self.candidate.version, self.promoted.version)
            tested = Seat(self.candidate.player, "promoted", match=match)
            return [tested, Seat(self.promoted.player, "candidate")]
        return [Seat(policy, "self", Episode()), Seat(policy, "self", Episode())]

    def finish(self, seat: Seat, result: float) -> None:
        """A game of `seat` is over: count it and keep its fragments for the buffer."""
        if seat.match:
            version, against = seat.match
            score = (result + 1) / 2
            self.results.append(model_pb2.Match(version=version, against=against, score=score))
        if seat.episode is None or seat.view is None:
            return
        RESULTS.labels(seat.opponent, OUTCOMES[result]).inc()
        span = trace.current()
        traceparent = span.header if span and span.sampled else ""
        for tensors in seat.episode.fragments(seat.view, self.options.fragment):
            self.waiting.append(
                pack(
                    tensors,
                    id=secrets.token_hex(16),
                    agent=self.name,
                    model_version=self.latest.version,
                    created=time.time(),
                    traceparent=traceparent,
                )
            )
        if len(self.waiting) > MAX_WAITING:
            LOST.inc(len(self.waiting) - MAX_WAITING)
            del self.waiting[:-MAX_WAITING]

    def send(self) -> None:
        """Append what is waiting; what is not acknowledged stays for the next time."""
        while self.waiting:
            part = self.waiting[:APPEND]
            try:
                self.buffers.call("Append", buffer_pb2.AppendRequest(experiences=part), 15)
            except grpc.RpcError as error:
                tell("not appended", error)
                if error.code() != grpc.StatusCode.INVALID_ARGUMENT:
                    break
                LOST.inc(len(part))
            else:
                SENT.inc(len(part))
            del self.waiting[:APPEND]
            self.heartbeat.beat()
        WAITING.set(len(self.waiting))


def tell(what: str, error: grpc.RpcError) -> None:
    log.warning(what, extra={"code": str(error.code()), "why": error.details()})


def run(settings: Settings, stop: service.Stop) -> None:
    agent = Agent(settings, Options(settings), stop)
    metrics.serve(settings.metrics_port, agent.heartbeat)
    log.info("playing", extra={"agent": agent.name, "game_servers": agent.games.addresses})
    agent.run()


def main() -> None:
    service.run("agent", run)
