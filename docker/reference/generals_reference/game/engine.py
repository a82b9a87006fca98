"""The rules of generals.io, for many games at once.

A *tick* is one move of every player; a *turn* is two ticks, as in generals.io. Each turn every
general and every owned city grows by one, and every 25 turns all owned land does. A move takes all
but one army of a cell, or half of it, to a neighbour. Whoever attacks with more than the defender
has takes the cell with the rest; equal armies leave it to the defender, empty. Taking a general
takes all its owner's land with half the armies, rounded up, and makes the general a city.

Moves of a tick happen one after the other; who moves first alternates from tick to tick. At the
tick limit, which is ours, the winner is who has most land, then most armies; else nobody.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from generals_reference.game.maps import CITY, GENERAL, MOUNTAIN, Map

PASS = -1
NOBODY, UNKNOWN = -1, -2  # owners
FOG = 4
FOG_OBSTACLE = FOG + 1  # terrain as a player sees it, beside that of the map
TICKS_PER_TURN, TURNS_PER_HARVEST = 2, 25
HARVEST = TICKS_PER_TURN * TURNS_PER_HARVEST
DIRECTIONS = 4  # up, right, down, left
PER_GAME = (
    *("army", "owner", "terrain", "generals", "alive", "tick", "limit"),
    *("over", "winner", "producers"),
)

Ints = NDArray[Any]


class Games:
    """`count` boards of one size and number of players.

    Boards are kept flat with a border of mountains, so that a move never leaves the array:
    ``army``, ``owner`` and ``terrain`` are [game, padded cell].
    """

    def __init__(self, count: int, height: int, width: int, players: int) -> None:
        self.height, self.width, self.players = height, width, players
        self.stride = width + 2
        cells = (height + 2) * self.stride
        self.army = np.zeros((count, cells), np.int32)
        self.owner = np.full((count, cells), NOBODY, np.int8)
        self.terrain = np.full((count, cells), MOUNTAIN, np.uint8)
        self.generals = np.zeros((count, players), np.int64)
        self.alive = np.zeros((count, players), bool)
        self.tick = np.zeros(count, np.int64)
        self.limit = np.zeros(count, np.int64)  # ticks
        self.over = np.ones(count, bool)
        self.winner = np.full(count, NOBODY, np.int8)
        self.producers = np.zeros((count, 1), np.int64)  # generals and cities; cell 0 fills up
        grid = np.arange(cells).reshape(height + 2, self.stride)
        self.inner = grid[1:-1, 1:-1].ravel()  # padded cell of each cell of the map
        self.offsets = np.array([-self.stride, 1, self.stride, -1])

    def extend(self, count: int) -> None:
        """Make room for `count` games more."""
        more = Games(count, self.height, self.width, self.players)
        more.producers = np.zeros((count, self.producers.shape[1]), np.int64)
        for name, mine in vars(self).items():
            if name in PER_GAME:
                setattr(self, name, np.concatenate([mine, getattr(more, name)]))

    def load(self, game: int, board: Map, limit: int) -> None:
        """Begin a game on `board` that ends after `limit` ticks."""
        self.army[game] = 0
        self.owner[game] = NOBODY
        self.terrain[game] = MOUNTAIN
        self.army[game, self.inner] = board.army.ravel()
        self.terrain[game, self.inner] = board.terrain.ravel()
        self.generals[game] = self.inner[board.generals]
        self.owner[game, self.generals[game]] = np.arange(self.players)
        self.alive[game], self.tick[game], self.limit[game] = True, 0, limit
        self.over[game], self.winner[game] = False, NOBODY
        sites = np.flatnonzero(self.terrain[game] >= CITY)
        if len(sites) > self.producers.shape[1]:
            wider = np.zeros((len(self.army), len(sites)), np.int64)
            wider[:, : self.producers.shape[1]] = self.producers
            self.producers = wider
        self.producers[game] = 0
        self.producers[game, : len(sites)] = sites

    def step(self, actions: Ints, games: Ints | None = None) -> None:
        """Play one tick of `games` (default: all): `actions` is [game, player].

        An action is ``(cell * 4 + direction) * 2 + half`` with the row-major cell of the map, or
        PASS; what the rules do not allow counts as PASS. Games that are over stay as they are.
        """
        rows = np.arange(len(self.tick)) if games is None else np.asarray(games)
        going = ~self.over[rows]
        if not going.all():
            rows, actions = rows[going], np.asarray(actions)[going]
        first = self.tick[rows] % 2
        slots = np.arange(len(rows))
        for turn in range(self.players):
            player = np.where(first == 0, turn, self.players - 1 - turn)
            self._move(rows, player, actions[slots, player])
        self._grow(rows)
        self._finish(rows)

    def _move(self, rows: Ints, player: Ints, action: Ints) -> None:
        """At most one move in each of `rows`."""
        asked = (action >= 0) & (action < len(self.inner) * DIRECTIONS * 2)
        asked &= self.alive[rows, player] & ~self.over[rows]
        rows, player, action = rows[asked], player[asked], action[asked]
        source = self.inner[action // (DIRECTIONS * 2)]
        target = source + self.offsets[action // 2 % DIRECTIONS]
        army = self.army[rows, source]
        legal = (self.owner[rows, source] == player) & (army >= 2)
        legal &= self.terrain[rows, target] != MOUNTAIN
        rows, player, source, target = rows[legal], player[legal], source[legal], target[legal]
        army = army[legal]
        moving = np.where(action[legal] % 2 == 1, army // 2, army - 1)
        self.army[rows, source] = army - moving
        holder = self.owner[rows, target]
        there = self.army[rows, target]
        rest = np.where(holder == player, there + moving, there - moving)
        self.army[rows, target] = np.abs(rest)
        taken = rest < 0
        self.owner[rows[taken], target[taken]] = player[taken]
        fallen = taken & (self.terrain[rows, target] == GENERAL)
        for row, winner, cell, loser in zip(
            rows[fallen], player[fallen], target[fallen], holder[fallen], strict=True
        ):
            self._conquer(row, winner, cell, loser)

    def _conquer(self, game: int, winner: int, cell: int, loser: int) -> None:
        """`winner` has taken the general of `loser` at `cell`."""
        land = self.owner[game] == loser
        self.owner[game, land] = winner
        self.army[game, land] = (self.army[game, land] + 1) // 2
        self.terrain[game, cell] = CITY
        self.alive[game, loser] = False
        if self.alive[game].sum() == 1:
            self.over[game], self.winner[game] = True, winner

    def _grow(self, rows: Ints) -> None:
        self.tick[rows] += 1
        tick = self.tick[rows]
        turn = rows[tick % TICKS_PER_TURN == 0]
        if len(turn):
            index = (turn[:, None], self.producers[turn])
            self.army[index] = self.army[index] + (self.owner[index] >= 0)
        harvest = rows[tick % HARVEST == 0]
        if len(harvest):
            self.army[harvest] += self.owner[harvest] >= 0

    def _finish(self, rows: Ints) -> None:
        """End the games that reached the tick limit."""
        ended = rows[(self.tick[rows] >= self.limit[rows]) & ~self.over[rows]]
        if not len(ended):
            return
        land, army = self.scores(ended)
        score = land.astype(np.int64) << 32 | army
        score[~self.alive[ended]] = -1
        best = score.max(axis=1, keepdims=True)
        alone = (score == best).sum(axis=1) == 1
        self.winner[ended] = np.where(alone, score.argmax(axis=1), NOBODY)
        self.over[ended] = True

    def scores(self, games: Ints) -> tuple[Ints, Ints]:
        """Land and armies of each player, [game, player]: public, as on the game's score board."""
        land = np.empty((len(games), self.players), np.int32)
        army = np.empty_like(land)
        owner, armies = self.owner[games], self.army[games]
        for player in range(self.players):
            mine = owner == player
            land[:, player] = mine.sum(axis=1)
            army[:, player] = np.where(mine, armies, 0).sum(axis=1)
        return land, army

    def observe(self, games: Ints, players: Ints) -> tuple[Ints, Ints, Ints]:
        """What each of `players` sees of the game beside it: army, owner, terrain as [pair, cell].

        Cells are those of the map. A player sees its cells and their eight neighbours; elsewhere
        mountains and cities look alike and everything else is fog.
        """
        owners, terrain = self.owner[games], self._unpadded(self.terrain[games])
        sight = self._unpadded(self._sight(owners == np.asarray(players, np.int8)[:, None]))
        # Arithmetic with `sight` as 0 or 1 is five times as fast as np.where on small integers.
        army = self._unpadded(self.army[games]) * sight
        owner = (self._unpadded(owners) - np.int8(UNKNOWN)) * sight + np.int8(UNKNOWN)
        fog = np.uint8(FOG) + ((terrain == MOUNTAIN) | (terrain == CITY))
        seen = fog + (terrain - fog) * sight
        flat = (len(army), -1)
        return army.reshape(flat), owner.reshape(flat), seen.reshape(flat)

    def _unpadded(self, cells: Ints) -> Ints:
        """[game, padded cell] as [game, row, column] of the map, without a copy."""
        return cells.reshape(-1, self.height + 2, self.stride)[:, 1:-1, 1:-1]

    def _sight(self, mine: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Own cells and their eight neighbours; nobody owns the border, so no row runs over."""
        wide = mine.copy()
        wide[:, 1:] |= mine[:, :-1]
        wide[:, :-1] |= mine[:, 1:]
        sight = wide.copy()
        sight[:, self.stride :] |= wide[:, : -self.stride]
        sight[:, : -self.stride] |= wide[:, self.stride :]
        return sight


def batch(boards: Sequence[Map], limit: int = 1000) -> Games:
    """Games that begin on `boards`, all of one size."""
    height, width = boards[0].terrain.shape
    games = Games(len(boards), height, width, len(boards[0].generals))
    for index, board in enumerate(boards):
        games.load(index, board, limit)
    return games
