"""Maps: random, the same for the same seed, always connected, and fair to every general."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

PLAIN, MOUNTAIN, CITY, GENERAL = range(4)
MIN_SIDE, MAX_SIDE, MAX_PLAYERS = 5, 64, 8
MIN_CELLS_PER_PLAYER = 12
MOUNTAIN_SHARE, CITY_SHARE = 0.18, 0.03  # of all cells
CITY_ARMY = (40, 51)  # as in generals.io
FAIRNESS = 0.7  # the smallest territory must have this share of the mean territory
CANDIDATES = 64  # placements of the generals tried on one terrain
FAR = np.int32(1 << 20)


@dataclass(frozen=True)
class Map:
    """A board before the first move; arrays are [height, width]."""

    terrain: NDArray[np.uint8]
    army: NDArray[np.int32]
    generals: NDArray[np.int64]  # row-major cell of each player's general


def generate(height: int, width: int, players: int, seed: int) -> Map:
    """The map of `seed`. Raises ValueError for a board that cannot hold so many players."""
    check(height, width, players)
    rng = np.random.Generator(np.random.PCG64(seed))
    while True:
        terrain = _terrain(rng, height, width)
        generals = _place_generals(rng, terrain, players)
        if generals is not None:
            break
    terrain.flat[generals] = GENERAL
    army = np.zeros((height, width), np.int32)
    cities = terrain == CITY
    low, high = CITY_ARMY
    army[cities] = (low + rng.random(int(cities.sum())) * (high - low)).astype(np.int32)
    army.flat[generals] = 1
    return Map(terrain, army, generals)


def check(height: int, width: int, players: int) -> None:
    """Raise ValueError where no fair map exists."""
    if not (MIN_SIDE <= height <= MAX_SIDE and MIN_SIDE <= width <= MAX_SIDE):
        raise ValueError(f"a board is {MIN_SIDE} to {MAX_SIDE} cells a side, not {height}x{width}")
    if not 2 <= players <= MAX_PLAYERS:
        raise ValueError(f"a game has 2 to {MAX_PLAYERS} players, not {players}")
    if height * width < players * MIN_CELLS_PER_PLAYER:
        raise ValueError(f"{height}x{width} is too small for {players} players")


def _terrain(rng: np.random.Generator, height: int, width: int) -> NDArray[np.uint8]:
    """Plains that are one connected area, mountains, and cities that touch the plains."""
    chance = rng.random((height, width))
    terrain = np.full((height, width), PLAIN, np.uint8)
    terrain[chance < MOUNTAIN_SHARE + CITY_SHARE] = MOUNTAIN
    cities = chance < CITY_SHARE
    area = _largest_area(terrain == PLAIN)
    terrain[~area] = MOUNTAIN
    terrain[cities & spread(area)] = CITY
    return terrain


def spread(cells: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The cells and their four neighbours; works on the last two axes."""
    out = cells.copy()
    out[..., 1:, :] |= cells[..., :-1, :]
    out[..., :-1, :] |= cells[..., 1:, :]
    out[..., :, 1:] |= cells[..., :, :-1]
    out[..., :, :-1] |= cells[..., :, 1:]
    return out


def _largest_area(free: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The largest connected area of `free`."""
    best, left = np.zeros_like(free), free.copy()
    while left.sum() > best.sum():
        area = np.zeros_like(free)
        area.flat[np.argmax(left)] = True
        while True:
            grown = spread(area) & free
            if (grown == area).all():
                break
            area = grown
        left &= ~area
        if area.sum() > best.sum():
            best = area
    return best


def distances(free: NDArray[np.bool_], sources: NDArray[np.int64]) -> NDArray[np.int32]:
    """Steps over `free` cells, [source, cell]; FAR where there is no way."""
    reached = np.zeros((len(sources), *free.shape), bool)
    reached.reshape(len(sources), -1)[np.arange(len(sources)), sources] = True
    steps = np.where(reached, np.int32(0), FAR)
    for step in range(1, free.size):
        grown = spread(reached) & free
        fresh = grown & ~reached
        if not fresh.any():
            break
        steps[fresh] = step
        reached |= grown
    return steps.reshape(len(sources), -1)


def _place_generals(
    rng: np.random.Generator, terrain: NDArray[np.uint8], players: int
) -> NDArray[np.int64] | None:
    """Cells for the generals, far apart and with like territories; None if none was found."""
    free = terrain == PLAIN
    cells = np.flatnonzero(free)
    if len(cells) < players * MIN_CELLS_PER_PLAYER // 2:
        return None
    spacing = max(3, round((len(cells) / players) ** 0.5))
    between = distances(free, cells)[:, cells]
    for chances in rng.random((CANDIDATES, players)):
        allowed, picks = np.ones(len(cells), bool), []
        for chance in chances:
            choices = np.flatnonzero(allowed)
            if not len(choices):
                break
            picks.append(choices[int(chance * len(choices))])
            allowed &= between[picks[-1]] >= spacing
        if len(picks) == players and fairness(between[picks]) >= FAIRNESS:
            return cells[picks]
    return None


def fairness(steps: NDArray[np.int32]) -> float:
    """Smallest by mean territory, from distances [general, cell]; ties count for nobody."""
    nearest = steps.min(axis=0)
    closest = steps == nearest
    alone = closest.sum(axis=0) == 1
    territory = (closest & alone).sum(axis=1)
    return float(territory.min() / max(territory.mean(), 1.0))
