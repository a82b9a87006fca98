"""What holds in every game, whatever is played: searched for counterexamples by hypothesis."""

from __future__ import annotations

import numpy as np
from generals_reference.game import maps
from generals_reference.game.engine import HARVEST, PASS, TICKS_PER_TURN, UNKNOWN, Games, batch
from hypothesis import given, settings
from hypothesis import strategies as st

sizes = st.integers(6, 12)
seeds = st.integers(0, 2**32)


@st.composite
def positions(draw: st.DrawFn) -> tuple[Games, np.random.Generator]:
    """A game of random legal-looking moves, somewhere in its course."""
    players = draw(st.integers(2, 3))
    board = maps.generate(draw(sizes), draw(sizes), players, draw(seeds))
    games = batch([board], limit=400)
    rng = np.random.default_rng(draw(seeds))
    for _ in range(draw(st.integers(0, 120))):
        games.step(actions(games, rng))
    return games, rng


def actions(games: Games, rng: np.random.Generator) -> np.ndarray:
    """A move of a random cell with armies for every player."""
    chosen = []
    for player in range(games.players):
        own = (games.owner[0, games.inner] == player) & (games.army[0, games.inner] > 1)
        cells = np.flatnonzero(own)
        pick = rng.choice(cells) * 8 + rng.integers(8) if len(cells) else PASS
        chosen.append(pick)
    return np.array([chosen])


def growth(games: Games) -> int:
    """Armies that the tick just played has added."""
    owned = games.owner[0] >= 0
    tick, added = int(games.tick[0]), 0
    if tick % TICKS_PER_TURN == 0:
        added += int((owned & (games.terrain[0] >= maps.CITY)).sum())
    if tick % HARVEST == 0:
        added += int(owned.sum())
    return added


@given(positions())
@settings(max_examples=40, deadline=None)
def test_armies_change_by_growth_and_battle_alone(
    position: tuple[Games, np.random.Generator],
) -> None:
    games, rng = position
    before, tick, alive = games.army.sum(), int(games.tick[0]), games.alive.sum()
    games.step(actions(games, rng))
    if games.tick[0] == tick:
        return  # the game was over
    lost = before + growth(games) - games.army.sum()
    assert (games.army >= 0).all()
    if games.alive.sum() == alive:
        assert lost >= 0
        assert lost % 2 == 0  # in battle each army takes one of the other side with it
    else:
        assert lost >= 0  # and a fallen general's land loses half


@given(positions())
@settings(max_examples=40, deadline=None)
def test_armies_and_land_stay_on_the_map(position: tuple[Games, np.random.Generator]) -> None:
    games, _ = position
    outside = np.ones(games.army.shape[1], bool)
    outside[games.inner] = False
    blocked = outside | (games.terrain[0] == maps.MOUNTAIN)
    assert (games.owner[0, blocked] == -1).all()
    assert (games.army[0, blocked] == 0).all()
    land, army = games.scores(np.array([0]))
    neutral = games.army[0][games.owner[0] < 0].sum()
    assert land.sum() == (games.owner[0] >= 0).sum()
    assert army.sum() + neutral == games.army[0].sum()


@given(positions(), st.integers(0, 2), seeds)
@settings(max_examples=40, deadline=None)
def test_fog_never_leaks(
    position: tuple[Games, np.random.Generator], player: int, seed: int
) -> None:
    """Whatever changes where a player has no cell nearby, he sees the same."""
    games, _ = position
    player %= games.players
    before = games.observe(np.array([0]), np.array([player]))
    hidden = games.inner[before[1][0] == UNKNOWN]
    rng = np.random.default_rng(seed)
    others = [number for number in range(-1, games.players) if number != player]
    land = hidden[games.terrain[0, hidden] != maps.MOUNTAIN]
    games.army[0, land] = rng.integers(0, 1000, len(land))
    games.owner[0, land] = rng.choice(others, len(land))
    # Obstacles may change into one another, and land into generals: neither can be told apart.
    blocked = np.isin(games.terrain[0, hidden], (maps.MOUNTAIN, maps.CITY))
    either = rng.choice((maps.MOUNTAIN, maps.CITY), len(hidden))
    free = rng.choice((maps.PLAIN, maps.GENERAL), len(hidden))
    games.terrain[0, hidden] = np.where(blocked, either, free)
    after = games.observe(np.array([0]), np.array([player]))
    for was, now in zip(before, after, strict=True):
        assert (was == now).all()


@given(sizes, sizes, st.integers(2, 3), seeds)
@settings(max_examples=60, deadline=None)
def test_maps_are_connected_and_fair(height: int, width: int, players: int, seed: int) -> None:
    board = maps.generate(height, width, players, seed)
    free = (board.terrain == maps.PLAIN) | (board.terrain == maps.GENERAL)
    steps = maps.distances(free, board.generals)
    assert (steps[:, free.ravel()] < maps.FAR).all()  # without passing a city
    without_generals = steps[:, (board.terrain == maps.PLAIN).ravel() | _at(board)]
    assert maps.fairness(without_generals) >= maps.FAIRNESS
    apart = steps[:, board.generals] + np.eye(players, dtype=np.int32) * maps.FAR
    assert apart.min() >= 3
    around = maps.spread(free)
    assert around[board.terrain == maps.CITY].all()  # every city can be reached


def _at(board: maps.Map) -> np.ndarray:
    generals = np.zeros(board.terrain.size, bool)
    generals[board.generals] = True
    return generals
