"""How fast the reference stack's game engine is: ``python benchmarks/game.py``.

Steps of 2-player 15x15 games on one core, a step being one tick of one game. The players move their
strongest army in a random direction, half of the time half of it; choosing the moves is not timed.
Games that end are begun anew, which is. Time is the process's own: what other programs
take of the machine does not count.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parent.parent / "docker" / "reference"))

from generals_reference.game import maps
from generals_reference.game.engine import Games, batch

SIDE, PLAYERS, LIMIT = 15, 2, 500
GOAL = 100_000  # steps a second on one core


def strongest(games: Games, rng: np.random.Generator) -> np.ndarray:
    """An action for every player: its strongest cell in a random direction."""
    owner, army = games.owner[:, games.inner], games.army[:, games.inner]
    cells = [np.where(owner == player, army, -1).argmax(axis=1) for player in range(PLAYERS)]
    return np.stack(cells, axis=1) * 8 + rng.integers(0, 8, (len(army), PLAYERS))


def measure(count: int, seconds: float, watched: bool) -> float:
    """Steps a second."""
    boards = [maps.generate(SIDE, SIDE, PLAYERS, seed) for seed in range(64)]
    games = batch([boards[index % 64] for index in range(count)], LIMIT)
    games.tick[:] = np.arange(count) * 2 % 100  # so that harvests do not come all at once
    rng = np.random.default_rng(0)
    rows, seats = np.repeat(np.arange(count), PLAYERS), np.tile(np.arange(PLAYERS), count)
    spent, steps = 0.0, 0
    while spent < seconds:
        actions = strongest(games, rng)
        began = time.process_time()
        games.step(actions)
        if watched:
            games.observe(rows, seats)
        for game in np.flatnonzero(games.over):
            games.load(game, boards[game % 64], LIMIT)
        spent += time.process_time() - began
        steps += count
    return steps / spent


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--games", type=int, default=256, help="games in the batch")
    parser.add_argument("--seconds", type=float, default=3.0, help="time per measurement")
    options = parser.parse_args()
    print(f"{options.games} games of {SIDE}x{SIDE}, {PLAYERS} players, one core")
    for name, watched in (("rules alone", False), ("rules and both players' views", True)):
        rate = measure(options.games, options.seconds, watched)
        print(f"  {name:32}{rate:12,.0f} steps/s   goal {GOAL:,}")


if __name__ == "__main__":
    main()
