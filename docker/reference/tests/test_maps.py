"""Maps: the same for the same seed, possible for every number of players, refused where not."""

from __future__ import annotations

import numpy as np
import pytest
from generals_reference.game import maps


@pytest.mark.parametrize("players", range(2, 9))
@pytest.mark.parametrize("side", [10, 15, 25])
def test_every_number_of_players_has_maps(players: int, side: int) -> None:
    board = maps.generate(side, side, players, seed=players)
    assert len(set(board.generals.tolist())) == players
    assert (board.terrain.flat[board.generals] == maps.GENERAL).all()
    assert (board.army.flat[board.generals] == 1).all()


def test_the_smallest_boards_have_maps() -> None:
    for seed in range(20):
        maps.generate(5, 5, 2, seed)
        maps.generate(5, 64, 8, seed)


def test_a_seed_is_a_map() -> None:
    one, same, other = (maps.generate(12, 9, 3, seed) for seed in (7, 7, 8))
    assert (one.terrain == same.terrain).all()
    assert (one.army == same.army).all()
    assert (one.terrain != other.terrain).any()


def test_cities_cost_as_in_the_game() -> None:
    boards = [maps.generate(20, 20, 2, seed) for seed in range(10)]
    costs = np.concatenate([board.army[board.terrain == maps.CITY] for board in boards])
    assert len(costs) > 20
    assert (costs.min() >= 40) and (costs.max() <= 50)


@pytest.mark.parametrize(
    ("size", "message"),
    [
        ((4, 9, 2), "5 to 64"),
        ((9, 65, 2), "5 to 64"),
        ((9, 9, 1), "2 to 8 players"),
        ((9, 9, 9), "2 to 8 players"),
        ((6, 6, 4), "too small for 4"),
    ],
)
def test_impossible_boards_are_refused(size: tuple[int, int, int], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        maps.generate(*size, seed=0)
