"""The game server: ``game-server``, gRPC on port 50051."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import grpc
from prometheus_client import Counter, Gauge

from generals_reference import service
from generals_reference.game import maps
from generals_reference.game.matches import Matches, TooManyGames
from generals_reference.settings import Settings
from generals_reference.v1 import game_pb2, game_pb2_grpc

PORT = 50051
SWEEP = 0.05  # seconds between looks at the deadlines
MAX_STREAMS = 40  # of the service's threads; the others answer calls
MAX_CREATE = 256  # games in one request
GAMES = Gauge("generals_games_running", "Games under way")
FINISHED = Counter("generals_games_finished_total", "Games played to their end")
TICKS = Counter("generals_ticks_total", "Ticks played, of all games together")
STREAMS = Gauge("generals_streams", "Observation streams being served")

log = logging.getLogger(__name__)
Code = grpc.StatusCode


class GameServer(game_pb2_grpc.GameServerServicer):
    """Answers calls out of `matches`."""

    def __init__(self, matches: Matches) -> None:
        self.matches = matches
        self.draining = threading.Event()
        self.streams = threading.BoundedSemaphore(MAX_STREAMS)

    def Create(self, request: Any, context: grpc.ServicerContext) -> Any:  # noqa: N802
        if self.draining.is_set():
            context.abort(Code.UNAVAILABLE, "this server is shutting down")
        count, limit = request.games or 1, request.tick_limit or 1000
        if count > MAX_CREATE:
            context.abort(Code.INVALID_ARGUMENT, f"at most {MAX_CREATE} games a request")
        kind = (request.height, request.width, request.players)
        try:
            maps.check(*kind)
            deadline = (request.deadline_ms or 1000) / 1000
            return game_pb2.CreateReply(
                game=self.matches.create(count, kind, request.seed, limit, deadline)
            )
        except ValueError as error:
            context.abort(Code.INVALID_ARGUMENT, str(error))
        except TooManyGames as error:
            context.abort(Code.RESOURCE_EXHAUSTED, str(error))

    def Join(self, request: Any, context: grpc.ServicerContext) -> Any:  # noqa: N802
        try:
            token = self.matches.join(request.game, request.seat, request.client)
        except KeyError as error:
            context.abort(Code.NOT_FOUND, f"no such game or seat: {error}")
        if token is None:
            context.abort(Code.ALREADY_EXISTS, "another client has this seat")
        return game_pb2.JoinReply(token=token)

    def Act(self, request: Any, context: grpc.ServicerContext) -> Any:  # noqa: N802
        return game_pb2.ActReply(verdicts=self.matches.act(request.moves))

    def Stream(self, request: Any, context: grpc.ServicerContext) -> Iterator[Any]:  # noqa: N802
        if not self.streams.acquire(blocking=False):
            context.abort(Code.RESOURCE_EXHAUSTED, f"{MAX_STREAMS} streams are open already")
        try:
            watch = self.matches.watch(request.token, wait=1.0)
            with STREAMS.track_inprogress(), closing(watch) as frames:
                for frame in frames:
                    if not context.is_active():
                        return
                    if frame:
                        yield game_pb2.Frame(observations=frame)
        finally:
            self.streams.release()

    def drain(self, seconds: float) -> None:
        """Refuse new games and give those under way `seconds` to end."""
        self.draining.set()
        end = time.monotonic() + seconds
        while self.matches.played and time.monotonic() < end:
            time.sleep(SWEEP)
        log.info("drained", extra={"games_cut_short": self.matches.running})


def keep_time(matches: Matches) -> None:
    """Watch the deadlines and the counters, for as long as the process lives."""
    finished = ticks = 0
    while True:
        time.sleep(SWEEP)
        matches.sweep()
        GAMES.set(matches.running)
        FINISHED.inc(matches.finished - finished)
        TICKS.inc(matches.ticks - ticks)
        finished, ticks = matches.finished, matches.ticks


def run(settings: Settings, stop: service.Stop) -> None:
    environment = settings.environment
    matches = Matches(environment.integer("MAX_GAMES", 1024, 1, 100_000))
    drain_seconds = environment.number("DRAIN_SECONDS", 10, 0, 3600)
    games = GameServer(matches)
    threading.Thread(target=keep_time, args=(matches,), name="clock", daemon=True).start()
    service.serve(
        settings,
        stop,
        PORT,
        service.Api(
            "generals.v1.GameServer",
            lambda server: game_pb2_grpc.add_GameServerServicer_to_server(games, server),
        ),
        health=service.Health(),
        drain=lambda: games.drain(drain_seconds),
    )


def main() -> None:
    service.run("game-server", run)
