"""A round: games that one agent plays both sides of, from their creation to the end of the last."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from prometheus_client import Counter

from generals_reference import rpc
from generals_reference.episode import Episode
from generals_reference.experience import Tensors
from generals_reference.policy import features
from generals_reference.policy.players import Player
from generals_reference.settings import Settings, SettingsError
from generals_reference.v1 import game_pb2

OPPONENTS = ("self", "random", "heuristic", "evaluation")
DEADLINE_MS = 10_000  # for each move; an agent that is gone holds up its games for no longer
MOVES = Counter("generals_agent_moves_total", "Moves made by policies that learn")


class Options:
    """What an agent plays, from the environment."""

    def __init__(self, settings: Settings) -> None:
        self.games = settings.integer("AGENT_GAMES", 8, 1, 256)  # at once
        self.size = settings.integer("BOARD_SIZE", 8, 5, 64)  # cells a side
        self.fragment = settings.integer("AGENT_FRAGMENT", 32, 2, 1024)  # moves of one experience
        self.tick_limit = settings.integer("TICK_LIMIT", 150, self.fragment, 100_000)
        # Moves a second, of all games together; 0: as fast as it goes.
        self.rate = settings.number("AGENT_MOVES_PER_SECOND", 100, 0, 1e9)
        # Share of the rounds that are traced.
        self.trace_ratio = settings.number("OTEL_TRACES_SAMPLER_ARG", 0.05, 0, 1)
        listed = settings.text("AGENT_OPPONENTS", "self,self,random,evaluation")
        self.opponents = listed.split(",")  # of the games, in turn
        if not set(self.opponents) <= set(OPPONENTS):
            raise SettingsError(f"AGENT_OPPONENTS={listed}: choose of {OPPONENTS}")


@dataclass
class Seat:
    """One side of one game: who plays it, and what it has seen."""

    player: Player
    opponent: str  # of this seat
    episode: Episode | None = None  # None for seats that nobody learns from
    match: tuple[int, int] | None = None  # versions of this seat and of the other one, to report
    token: str = ""
    view: Tensors | None = None


class Round:
    """Plays the games of one game server (a stub of it); `wait` pauses for so many seconds."""

    def __init__(self, server: Any, options: Options, wait: Callable[[float], object]) -> None:
        self.server, self.options, self.wait = server, options, wait
        self.seats: dict[str, Seat] = {}  # by token
        self.finished: list[tuple[Seat, float]] = []  # seats whose game is over, and its result

    def join(self, client: str, seed: int, pairs: list[list[Seat]]) -> None:
        """Begin a game for each pair of sides, as `client`; maps are those of `seed` and on."""
        created = self.server.Create(
            game_pb2.CreateRequest(
                games=len(pairs),
                players=2,
                height=self.options.size,
                width=self.options.size,
                seed=seed,
                tick_limit=self.options.tick_limit,
                deadline_ms=DEADLINE_MS,
            ),
            timeout=10,
            metadata=rpc.metadata(),
        )
        for game, sides in zip(created.game, pairs, strict=True):
            for number, seat in enumerate(sides):
                request = game_pb2.JoinRequest(game=game, seat=number, client=client)
                reply = self.server.Join(request, timeout=10, metadata=rpc.metadata())
                seat.token = reply.token
                self.seats[seat.token] = seat

    def play(self) -> Iterator[None]:
        """Answer every observation with a move until all games are over; yields after each tick."""
        request = game_pb2.StreamRequest(token=list(self.seats))
        stream = self.server.Stream(request, metadata=rpc.metadata())
        try:
            for frame in stream:
                began = time.monotonic()
                moves = self.answer(frame.observations)
                self.act(moves)
                if self.options.rate and moves:
                    pause = len(moves) / self.options.rate - (time.monotonic() - began)
                    self.wait(max(0.0, pause))
                yield
        finally:
            stream.cancel()

    def act(self, moves: list[game_pb2.Move]) -> None:
        """Submit moves. What came too late was not played, so nothing is learnt from that game."""
        if not moves:
            return
        request = game_pb2.ActRequest(moves=moves)
        reply = self.server.Act(request, timeout=10, metadata=rpc.metadata())
        for move, verdict in zip(moves, reply.verdicts, strict=True):
            if verdict not in (game_pb2.ActReply.ACCEPTED, game_pb2.ActReply.REPEATED):
                self.seats[move.token].episode = None

    def answer(self, observations: Iterable[game_pb2.Observation]) -> list[game_pb2.Move]:
        """The moves of the seats that were shown something, each kind of player in one go."""
        turns: dict[int, list[Seat]] = {}
        for observation in observations:
            seat = self.seats[observation.token]
            view = features.view_of(observation, seat.view["terrain"] if seat.view else None)
            result = 0.0
            if observation.over and observation.winner >= 0:
                result = 1.0 if observation.winner == observation.seat else -1.0
            if seat.episode is not None and seat.view is not None:
                seat.episode.outcome(view, result)
            seat.view = view
            if observation.over:
                self.finished.append((seat, result))
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
                MOVES.inc()
            out.append(game_pb2.Move(token=seat.token, tick=int(view["tick"]), action=int(action)))
        return out
