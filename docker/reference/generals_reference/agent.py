"""A self-play agent: ``agent``. Plays rounds of games and sends what it lived to the buffer."""

from __future__ import annotations

import logging
import secrets
import time
import zlib
from dataclasses import dataclass

import grpc
import numpy as np
from prometheus_client import Counter, Gauge

from generals_reference import evaluation, metrics, models, rpc, service, trace
from generals_reference.episode import Episode
from generals_reference.experience import Tensors, pack
from generals_reference.policy import features
from generals_reference.policy.players import Heuristic, Player, Policy, Random
from generals_reference.settings import Settings, SettingsError
from generals_reference.v1 import buffer_pb2, buffer_pb2_grpc, game_pb2, game_pb2_grpc, model_pb2

OPPONENTS = ("self", "random", "heuristic", "evaluation")
PAUSE = 2.0  # seconds after something was not available
MAX_WAITING = 512  # fragments kept while the buffer does not take them; then the oldest go
APPEND = 32  # fragments in one request
STEPS = Counter("generals_agent_moves_total", "Moves made by the policy")
RESULTS = Counter("generals_agent_games_total", "Games of the policy", ["opponent", "result"])
SENT = Counter("generals_agent_experiences_total", "Experiences acknowledged by the buffer")
LOST = Counter("generals_agent_experiences_dropped_total", "Experiences that found no room")
WAITING = Gauge("generals_agent_experiences_waiting", "Experiences not yet acknowledged")
VERSION = Gauge("generals_agent_model_version", "Version of the weights being played")
ROUND_SECONDS = Gauge("generals_agent_round_seconds", "Time that the last round took")

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Options:
    """What an agent plays, from the environment."""

    games: int  # at once
    size: int  # cells a side
    tick_limit: int
    fragment: int  # moves of one experience
    rate: float  # moves a second, of all games together; 0: as fast as it goes
    opponents: tuple[str, ...]  # of the games, in turn
    trace_ratio: float  # share of the rounds that are traced

    @classmethod
    def of(cls, settings: Settings) -> Options:
        environment = settings.environment
        opponents = tuple(
            environment.text("AGENT_OPPONENTS", "self,self,random,evaluation").split(",")
        )
        if not set(opponents) <= set(OPPONENTS):
            raise SettingsError(f"AGENT_OPPONENTS={','.join(opponents)}: choose of {OPPONENTS}")
        fragment = environment.integer("AGENT_FRAGMENT", 32, 2, 1024)
        return cls(
            games=environment.integer("AGENT_GAMES", 8, 1, 256),
            size=environment.integer("BOARD_SIZE", 8, 5, 64),
            tick_limit=environment.integer("TICK_LIMIT", 150, fragment, 100_000),
            fragment=fragment,
            rate=environment.number("AGENT_MOVES_PER_SECOND", 100, 0, 1e9),
            opponents=opponents,
            trace_ratio=environment.number("OTEL_TRACES_SAMPLER_ARG", 0.05, 0, 1),
        )


@dataclass
class Seat:
    """One side of one game: who plays it, and what it has seen."""

    player: Player
    opponent: str  # of this seat
    episode: Episode | None = None  # None for seats that nobody learns from
    match: tuple[int, int] | None = None  # versions of this seat and of the other one, to report
    token: str = ""
    view: Tensors | None = None


class Agent:
    """Plays rounds: a set of games, from their creation to the end of the last."""

    def __init__(self, settings: Settings, options: Options, stop: service.Stop) -> None:
        self.name = f"{settings.name}-{secrets.token_hex(3)}"
        self.options, self.stop = options, stop
        self.rng = np.random.default_rng(zlib.crc32(self.name.encode()))
        self.games = rpc.Servers(settings.game_servers, game_pb2_grpc.GameServerStub, self.name)
        self.buffers = rpc.Servers(
            settings.buffers, buffer_pb2_grpc.ExperienceBufferStub, self.name
        )
        self.models = models.servers(settings.model_servers, self.name)
        choices = (models.LATEST, models.PROMOTED, models.CANDIDATE)
        followed = [models.Followed(self.models, which) for which in choices]
        self.latest, self.promoted, self.candidate = followed
        self.policies = {id(one): Policy(one.weights, self.rng) for one in followed}
        self.others: dict[str, Player] = {
            "random": Random(self.rng),
            "heuristic": Heuristic(self.rng),
        }
        self.results: list[model_pb2.Match] = []
        self.heartbeat = metrics.Heartbeat()
        self.waiting: list[buffer_pb2.Experience] = []

    def run(self) -> None:
        """Play until asked to stop, and then send what is left."""
        while not self.stop.asked:
            self.heartbeat.beat()
            sampled = bool(self.rng.random() < self.options.trace_ratio)
            with trace.span("round", sampled=sampled) as span:
                self.round()
                span.attributes |= {"agent": self.name, "model.version": self.latest.version}
                self.send()

    def round(self) -> None:
        """One round of games, with the newest weights; it is broken off if a service goes away."""
        began = time.monotonic()
        try:
            self.refresh()
            self.play(self.join())
            ROUND_SECONDS.set(time.monotonic() - began)
        except grpc.RpcError as error:
            log.warning("broken off", extra={"code": str(error.code()), "why": error.details()})
            self.games.next()
            self.stop.wait(PAUSE)

    def refresh(self) -> None:
        """Fetch the weights that have changed, and report the matches of the round before."""
        if self.results:
            self.models.call("Report", model_pb2.ReportRequest(matches=self.results))
            self.results = []
        for followed in (self.latest, self.promoted, self.candidate):
            if followed.refresh():
                self.policies[id(followed)].weights = followed.weights
                log.debug("new weights", extra={"version": followed.version})
        VERSION.set(self.latest.version)

    def join(self) -> dict[str, Seat]:
        """Begin a round of games, take both seats of each, and return them by their tokens."""
        options = self.options
        created = self.games.call(
            "Create",
            game_pb2.CreateRequest(
                games=options.games,
                players=2,
                height=options.size,
                width=options.size,
                seed=int(self.rng.integers(1 << 48)),
                tick_limit=options.tick_limit,
                deadline_ms=10_000,
            ),
        )
        seats = {}
        for index, game in enumerate(created.game):
            opponent = options.opponents[index % len(options.opponents)]
            sides = self.sides(opponent)
            self.rng.shuffle(sides)
            for number, seat in enumerate(sides):
                request = game_pb2.JoinRequest(game=game, seat=number, client=self.name)
                reply = self.games.stub.Join(request, timeout=10, metadata=rpc.metadata())
                seat.token = reply.token
                seats[seat.token] = seat
        return seats

    def sides(self, opponent: str) -> list[Seat]:
        """The two sides of a game of this kind."""
        policy = self.policies[id(self.latest)]
        if opponent in self.others:
            versions = (self.latest.version, evaluation.RANDOM)
            match = versions if opponent == "random" and self.latest.version else None
            return [Seat(policy, opponent, Episode(), match), Seat(self.others[opponent], "self")]
        if opponent == "evaluation" and self.candidate.version != self.promoted.version:
            match = (self.candidate.version, self.promoted.version)
            tested, holder = self.policies[id(self.candidate)], self.policies[id(self.promoted)]
            return [Seat(tested, "promoted", match=match), Seat(holder, "candidate")]
        return [Seat(policy, "self", Episode()), Seat(policy, "self", Episode())]

    def play(self, seats: dict[str, Seat]) -> None:
        """Answer every observation with a move until all games of the round are over."""
        request = game_pb2.StreamRequest(token=list(seats))
        stream = self.games.stub.Stream(request, metadata=rpc.metadata())
        try:
            for frame in stream:
                began = time.monotonic()
                moves = self.answer(seats, frame.observations)
                if moves:
                    self.games.stub.Act(
                        game_pb2.ActRequest(moves=moves), timeout=10, metadata=rpc.metadata()
                    )
                self.heartbeat.beat()
                if self.options.rate and moves:
                    pause = len(moves) / self.options.rate - (time.monotonic() - began)
                    self.stop.wait(max(0.0, pause))
                if self.stop.asked:
                    return
        finally:
            stream.cancel()

    def answer(
        self, seats: dict[str, Seat], observations: list[game_pb2.Observation]
    ) -> list[game_pb2.Move]:
        """The moves of the seats that were shown something, each kind of player in one go."""
        turns: dict[int, list[Seat]] = {}
        for observation in observations:
            seat = seats[observation.token]
            view = features.view_of(observation, seat.view["terrain"] if seat.view else None)
            result = 0.0
            if observation.over and observation.winner >= 0:
                result = 1.0 if observation.winner == observation.seat else -1.0
            if seat.episode is not None and seat.view is not None:
                seat.episode.outcome(view, result)
            seat.view = view
            if observation.over:
                self.finish(seat, result)
            else:
                turns.setdefault(id(seat.player), []).append(seat)
        return [move for group in turns.values() for move in self.moves(group)]

    def moves(self, seats: list[Seat]) -> list[game_pb2.Move]:
        """The moves of seats that the same player plays."""
        views = [seat.view for seat in seats if seat.view is not None]
        actions, logps = seats[0].player.choose(features.stack(views))
        out = []
        for seat, view, action, logp in zip(seats, views, actions, logps, strict=True):
            if seat.episode is not None:
                seat.episode.decide(view, int(action), float(logp))
                STEPS.inc()
            out.append(game_pb2.Move(token=seat.token, tick=int(view["tick"]), action=int(action)))
        return out

    def finish(self, seat: Seat, result: float) -> None:
        """A game of `seat` is over: count it and keep its fragments for the buffer."""
        if seat.match:
            version, against = seat.match
            score = (result + 1) / 2
            self.results.append(model_pb2.Match(version=version, against=against, score=score))
        if seat.episode is None or seat.view is None:
            return
        RESULTS.labels(seat.opponent, {1.0: "won", -1.0: "lost"}.get(result, "drawn")).inc()
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
                log.warning(
                    "not appended", extra={"code": str(error.code()), "why": error.details()}
                )
                if error.code() != grpc.StatusCode.INVALID_ARGUMENT:
                    break
                LOST.inc(len(part))
            else:
                SENT.inc(len(part))
            del self.waiting[:APPEND]
            self.heartbeat.beat()
        WAITING.set(len(self.waiting))


def run(settings: Settings, stop: service.Stop) -> None:
    agent = Agent(settings, Options.of(settings), stop)
    metrics.serve(settings.metrics_port, agent.heartbeat)
    log.info("playing", extra={"agent": agent.name, "game_servers": settings.game_servers})
    agent.run()


def main() -> None:
    service.run("agent", run)
