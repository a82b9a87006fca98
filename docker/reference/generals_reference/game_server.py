"""The game server: ``game-server``, gRPC on port 50051."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from functools import partial
from typing import Any

import grpc
from prometheus_client import Gauge

from generals_reference import service
from generals_reference.game import maps
from generals_reference.game.matches import Matches
from generals_reference.refused import Refused
from generals_reference.settings import Settings
from generals_reference.v1 import game_pb2, game_pb2_grpc

PORT = 50051
SWEEP = 0.05  # seconds between looks at the deadlines
MAX_STREAMS = 40  # of the service's threads; the others answer calls
MAX_CREATE = 256  # games in one request
GAMES = Gauge("generals_games_running", "Games under way")
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
            raise Refused(Code.UNAVAILABLE, "this server is shutting down")
        count, limit = request.games or 1, request.tick_limit or 1000
        if count > MAX_CREATE:
            raise Refused(Code.INVALID_ARGUMENT, f"at most {MAX_CREATE} games a request")
        kind = (request.height, request.width, request.players)
        try:
            maps.check(*kind)
        except ValueError as error:
            raise Refused(Code.INVALID_ARGUMENT, str(error)) from None
        deadline = (request.deadline_ms or 1000) / 1000
        games = self.matches.create(count, kind, request.seed, limit, deadline)
        return game_pb2.CreateReply(game=games)

    def Join(self, request: Any, context: grpc.ServicerContext) -> Any:  # noqa: N802
        token = self.matches.join(request.game, request.seat, request.client)
        return game_pb2.JoinReply(token=token)

    def Act(self, request: Any, context: grpc.ServicerContext) -> Any:  # noqa: N802
        return game_pb2.ActReply(verdicts=self.matches.act(request.moves))

    def Stream(self, request: Any, context: grpc.ServicerContext) -> Iterator[Any]:  # noqa: N802
        if not self.streams.acquire(blocking=False):
            raise Refused(Code.RESOURCE_EXHAUSTED, f"{MAX_STREAMS} streams are open already")
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
    """Watch the deadlines, for as long as the process lives."""
    while True:
        time.sleep(SWEEP)
        matches.sweep()
        GAMES.set(matches.running)


def run(settings: Settings, stop: service.Stop) -> None:
    matches = Matches(settings.integer("MAX_GAMES", 1024, 1, 100_000))
    drain_seconds = settings.number("DRAIN_SECONDS", 10, 0, 3600)
    games = GameServer(matches)
    threading.Thread(target=keep_time, args=(matches,), name="clock", daemon=True).start()
    service.serve(
        settings,
        stop,
        PORT,
        "generals.v1.GameServer",
        partial(game_pb2_grpc.add_GameServerServicer_to_server, games),
        drain=lambda: games.drain(drain_seconds),
    )


def main() -> None:
    service.run("game-server", run)
