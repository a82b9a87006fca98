"""Many games under way at once: created, played tick by tick, watched, and forgotten."""

from __future__ import annotations

import secrets
import threading
import time
from collections import Counter
from collections.abc import Generator, Sequence

import grpc
import numpy as np
import prometheus_client

from generals_reference.game import maps
from generals_reference.game.engine import PASS, Games
from generals_reference.game.match import Kind, Match, Table, Verdict
from generals_reference.refused import Refused
from generals_reference.v1 import game_pb2

KEEP_FINISHED = 30.0  # seconds in which the players can still see the end
ABANDONED_AFTER = 20  # ticks in a row in which nobody moved
FINISHED = prometheus_client.Counter("generals_games_finished_total", "Games played to their end")
TICKS = prometheus_client.Counter("generals_ticks_total", "Ticks played, of all games together")
Code = grpc.StatusCode


class Matches:
    """All games of a server. Every method may be called from any thread."""

    def __init__(self, capacity: int) -> None:
        self.capacity = capacity
        self.tables: dict[Kind, Table] = {}
        self.matches: dict[str, Match] = {}
        self.seats: dict[str, tuple[Match, int]] = {}  # by token
        self.changed = threading.Condition()
        self.watched: Counter[str] = Counter()  # streams by the name of the game that they show

    def create(self, count: int, kind: Kind, seed: int, limit: int, deadline: float) -> list[str]:
        """Begin `count` games on the maps of `seed`, `seed` + 1, …; `deadline` in seconds."""
        boards = [maps.generate(*kind, seed + index) for index in range(count)]
        with self.changed:
            if len(self.matches) + count > self.capacity:
                under_way = f"{len(self.matches)} of {self.capacity} games are under way"
                raise Refused(Code.RESOURCE_EXHAUSTED, under_way)
            return [self._begin(kind, board, limit, deadline) for board in boards]

    def _begin(self, kind: Kind, board: maps.Map, limit: int, deadline: float) -> str:
        table = self.tables.setdefault(kind, Table(Games(0, *kind)))
        row = table.take()
        table.games.load(row, board, limit)
        name, due = secrets.token_hex(8), time.monotonic() + deadline
        self.matches[name] = Match(name, table, row, deadline, due)
        return name

    def join(self, game: str, seat: int, client: str) -> str:
        """The token of the seat, for the client that was there first."""
        with self.changed:
            match = self.matches.get(game)
            if match is None or seat >= len(match.clients):
                raise Refused(Code.NOT_FOUND, f"no such game or seat: {game}/{seat}")
            if not match.tokens[seat]:
                match.clients[seat], match.tokens[seat] = client, secrets.token_hex(8)
                self.seats[match.tokens[seat]] = (match, seat)
            if match.clients[seat] != client:
                raise Refused(Code.ALREADY_EXISTS, "another client has this seat")
            return match.tokens[seat]

    def act(self, moves: Sequence[game_pb2.Move]) -> list[int]:
        """Take moves and play every tick that is complete by them."""
        with self.changed:
            verdicts, touched = [], {}
            for move in moves:
                match, seat = self.seats.get(move.token, (None, 0))
                if match is None:
                    verdicts.append(Verdict.UNKNOWN_TOKEN)
                    continue
                verdicts.append(match.act(seat, move.tick, move.action))
                touched[match.name] = match
            self._play([match for match in touched.values() if match.ready])
            return verdicts

    def sweep(self) -> None:
        """Play the ticks whose deadline has passed and forget the games that nobody needs."""
        now = time.monotonic()
        with self.changed:
            matches = list(self.matches.values())
            self._play([match for match in matches if match.ended is None and match.due <= now])
            for match in matches:
                if match.idle >= ABANDONED_AFTER or (
                    match.ended is not None and match.ended + KEEP_FINISHED <= now
                ):
                    self._forget(match)

    def _play(self, matches: list[Match]) -> None:
        """One tick of each of `matches`, of all games of a kind in one step."""
        now = time.monotonic()
        for table in {id(match.table): match.table for match in matches}.values():
            group = [match for match in matches if match.table is table and match.ended is None]
            actions = [[PASS if m is None else m for m in match.moves] for match in group]
            table.games.step(np.array(actions), np.array([match.row for match in group]))
            for match in group:
                match.idle = match.idle + 1 if not any(m is not None for m in match.moves) else 0
                match.last, match.moves = match.moves, [None] * len(match.moves)
                match.due = now + match.deadline
                if table.games.over[match.row]:
                    match.ended = now
                    FINISHED.inc()
            TICKS.inc(len(group))
        if matches:
            self.changed.notify_all()

    def _forget(self, match: Match) -> None:
        del self.matches[match.name]
        for token in filter(None, match.tokens):
            del self.seats[token]
        match.games.over[match.row] = True
        match.table.free.append(match.row)

    @property
    def running(self) -> int:
        """Games under way."""
        with self.changed:
            return sum(match.ended is None for match in self.matches.values())

    @property
    def played(self) -> int:
        """Games under way that somebody watches, so that they can be expected to end."""
        with self.changed:
            games = [match for match in self.matches.values() if match.ended is None]
            return sum(self.watched[match.name] > 0 for match in games)

    def watch(self, tokens: Sequence[str], wait: float) -> Generator[list[game_pb2.Observation]]:
        """What the seats see: at once, then those whose game moved on, until all games are over.

        Yields an empty list after `wait` seconds without news, so that the caller can look around.
        """
        with self.changed:
            names = Counter(self.seats[token][0].name for token in tokens if token in self.seats)
            self.watched += names
        try:
            shown: dict[str, int] = {}
            open_tokens = list(tokens)
            while open_tokens:
                with self.changed:
                    if not self._news(open_tokens, shown):
                        self.changed.wait(wait)
                    frame = [self._observation(token) for token in self._news(open_tokens, shown)]
                    open_tokens = [token for token in open_tokens if token in self.seats]
                shown |= {observation.token: observation.tick for observation in frame}
                ended = {observation.token for observation in frame if observation.over}
                open_tokens = [token for token in open_tokens if token not in ended]
                yield frame
        finally:
            with self.changed:
                self.watched -= names

    def _news(self, tokens: Sequence[str], shown: dict[str, int]) -> list[str]:
        """The seats of `tokens` whose tick is not the one shown last."""
        known = [token for token in tokens if token in self.seats]
        return [token for token in known if self.seats[token][0].tick != shown.get(token)]

    def _observation(self, token: str) -> game_pb2.Observation:
        match, seat = self.seats[token]
        games, row = match.games, np.array([match.row])
        army, owner, terrain = games.observe(row, np.array([seat]))
        land, armies = games.scores(row)
        return game_pb2.Observation(
            token=token,
            tick=match.tick,
            height=games.height,
            width=games.width,
            seat=seat,
            army=army[0].astype("<i4").tobytes(),
            owner=owner[0].tobytes(),
            terrain=terrain[0].tobytes(),
            land=land[0].tolist(),
            armies=armies[0].tolist(),
            over=bool(games.over[match.row]),
            winner=int(games.winner[match.row]),
        )
