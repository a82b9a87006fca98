"""One game under way: its seats, the moves of its tick, and its row in a table of games."""

from __future__ import annotations

from dataclasses import dataclass, field

from generals_reference.game.engine import Games
from generals_reference.v1 import game_pb2

Verdict = game_pb2.ActReply
Kind = tuple[int, int, int]  # height, width, players


@dataclass
class Match:
    """One game: where it lives in its table, who sits where, and the moves of the current tick."""

    name: str
    table: Table
    row: int
    deadline: float  # seconds a seat has for its move
    due: float  # when the tick ends without the missing moves (monotonic seconds)
    idle: int = 0  # ticks in a row in which nobody moved
    ended: float | None = None

    def __post_init__(self) -> None:
        seats = self.games.players
        self.clients, self.tokens = [""] * seats, [""] * seats
        self.moves: list[int | None] = [None] * seats
        self.last = self.moves  # of the tick before, so that a repeated move is known again

    @property
    def games(self) -> Games:
        return self.table.games

    @property
    def tick(self) -> int:
        return int(self.games.tick[self.row])

    @property
    def ready(self) -> bool:
        """Whether every player still in the game has moved."""
        alive = self.games.alive[self.row]
        return all(move is not None for move, lives in zip(self.moves, alive, strict=True) if lives)

    def act(self, seat: int, tick: int, action: int) -> int:
        """Take a move; the answer is a Verdict."""
        if tick > self.tick:
            return Verdict.EARLY
        if tick == self.tick and self.ended is None:
            before = self.moves[seat]
            if before is None:
                self.moves[seat] = action
                return Verdict.ACCEPTED
        elif tick == self.tick - 1:
            before = self.last[seat]
        else:
            before = None
        if before is None:
            return Verdict.LATE
        return Verdict.REPEATED if before == action else Verdict.CONFLICT


@dataclass
class Table:
    """All games of one kind, in one batch of the engine, which grows as needed."""

    games: Games
    free: list[int] = field(default_factory=list)

    def take(self) -> int:
        """A free row."""
        if not self.free:
            count = len(self.games.tick)
            self.games.extend(max(8, count))
            self.free = list(range(len(self.games.tick) - 1, count - 1, -1))
        return self.free.pop()
