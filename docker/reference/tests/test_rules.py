"""The rules of the game, each on a board drawn for it."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest
from boards import DOWN, LEFT, RIGHT, UP, game, move, picture
from generals_reference.game import maps
from generals_reference.game.engine import (
    FOG,
    FOG_OBSTACLE,
    HARVEST,
    NOBODY,
    PASS,
    UNKNOWN,
    Games,
    batch,
)


def play(games: Games, *actions: int) -> str:
    """One tick; the players that are not named pass."""
    row = [*actions, *[PASS] * (games.players - len(actions))]
    games.step(np.array([row]))
    return picture(games)


def drawn(text: str) -> str:
    return "\n".join(" ".join(line.split()) for line in text.strip().splitlines())


def test_a_move_takes_all_but_one() -> None:
    games = game("A1 a5 . . B1")
    assert play(games, move(games, 0, 1, RIGHT)) == "A1 a1 a4 . B1"


def test_a_half_move_takes_half_rounded_down() -> None:
    games = game("A1 a5 . . B1")
    assert play(games, move(games, 0, 1, RIGHT, half=True)) == "A1 a3 a2 . B1"


def test_armies_on_own_land_join() -> None:
    games = game("A1 a5 a2 . B1")
    assert play(games, move(games, 0, 1, RIGHT)) == "A1 a1 a6 . B1"


def test_the_larger_army_takes_the_cell() -> None:
    games = game("A1 a5 b3 . B1")
    assert play(games, move(games, 0, 1, RIGHT)) == "A1 a1 a1 . B1"


def test_equal_armies_leave_the_defender_an_empty_cell() -> None:
    games = game("A1 a5 b4 . B1")
    assert play(games, move(games, 0, 1, RIGHT)) == "A1 a1 b0 . B1"


def test_a_city_costs_its_army() -> None:
    games = game("A1 a45 c40 . B1")
    assert play(games, move(games, 0, 1, RIGHT)) == "A1 a1 a4! . B1"


@pytest.mark.parametrize(
    ("picture_", "y", "x", "way"),
    [
        ("A1 a5 ## . B1", 0, 1, RIGHT),  # a mountain
        ("A1 a1 . . B1", 0, 1, RIGHT),  # one army stays
        ("A1 b5 . . B1", 0, 1, RIGHT),  # not his
        ("A9 a5 . . B1", 0, 0, LEFT),  # beyond the edge
        ("A9 a5 . . B1", 0, 0, UP),
        ("A9 a5 . . B1", 0, 0, DOWN),
        ("A1 . . . B1", 0, 2, RIGHT),  # nobody's
    ],
)
def test_what_is_not_allowed_is_a_pass(picture_: str, y: int, x: int, way: int) -> None:
    games = game(picture_)
    assert play(games, move(games, y, x, way)) == picture_


@pytest.mark.parametrize("action", [-2, 5 * 8, 10**9])
def test_an_action_of_no_meaning_is_a_pass(action: int) -> None:
    assert play(game("A1 a5 . . B1"), action) == "A1 a5 . . B1"


def test_the_last_column_is_not_beside_the_next_row() -> None:
    games = game(". . A9\n. . .\nB1 . .")
    assert play(games, move(games, 0, 2, RIGHT)) == drawn(". . A9\n. . .\nB1 . .")


def test_who_moves_first_alternates() -> None:
    games = game("A1 a3 . b3 B1")
    both = (move(games, 0, 1, RIGHT), move(games, 0, 3, LEFT))
    assert play(games, *both) == "A1 a1 a0 b1 B1"
    games = game("A1 a3 . b3 B1")
    games.tick[:] = 1
    assert play(games, *both) == "A2 a1 b0 b1 B2"


def test_generals_and_cities_grow_every_turn_which_is_two_ticks() -> None:
    games = game("A1 a2! a3 c40 B1")
    assert play(games) == "A1 a2! a3 c40 B1"
    assert play(games) == "A2 a3! a3 c40 B2"


def test_all_land_grows_every_25_turns() -> None:
    games = game("A1 a0 . b7 B1")
    games.tick[:] = HARVEST - 2
    assert play(games) == "A1 a0 . b7 B1"
    assert play(games) == "A3 a1 . b8 B3"  # the generals as every turn, and as land


def test_taking_a_general_takes_the_land_with_half_the_armies() -> None:
    games = game("A1 a9 B3 b7 b0 C1")
    assert play(games, move(games, 0, 1, RIGHT)) == "A1 a1 a5! a4 a0 C1"
    assert games.alive[0].tolist() == [True, False, True]
    assert not games.over[0]


def test_the_fallen_do_not_move_any_more() -> None:
    games = game("A1 a9 B3 b7 . C1")
    games.alive[0, 1] = False
    assert play(games, PASS, move(games, 0, 3, RIGHT)) == "A1 a9 B3 b7 . C1"


def test_the_last_general_wins() -> None:
    games = game("A1 a9 B3 b7 .")
    play(games, move(games, 0, 1, RIGHT))
    assert (games.over[0], games.winner[0]) == (True, 0)
    before = picture(games)
    assert play(games, move(games, 0, 3, RIGHT)) == before  # nothing happens any more
    assert games.tick[0] == 1


@pytest.mark.parametrize(
    ("picture_", "winner"),
    [("A1 a1 . . B9", 0), ("A1 a1 . b1 B2", 1), ("A1 a1 . b1 B1", NOBODY)],
)
def test_at_the_limit_land_decides_then_armies(picture_: str, winner: int) -> None:
    games = game(picture_, limit=1)
    play(games)
    assert (games.over[0], games.winner[0]) == (True, winner)


def test_what_a_player_sees() -> None:
    games = game("A1 . . . .\n. . . . c40\n. . . ## B7")
    army, owner, terrain = games.observe(np.array([0]), np.array([0]))
    assert army[0].tolist() == [1] + [0] * 14
    assert owner[0].tolist() == [0, -1, *[UNKNOWN] * 3, -1, -1, *[UNKNOWN] * 8]
    hidden = [FOG] * 3
    assert terrain[0].tolist() == [
        *(maps.GENERAL, 0, *hidden),
        *(0, 0, FOG, FOG, FOG_OBSTACLE),
        *(FOG, FOG, FOG, FOG_OBSTACLE, FOG),  # the general in the fog looks like land
    ]


def digest(games: Games) -> str:
    state = games.army.tobytes() + games.owner.tobytes() + games.terrain.tobytes()
    return hashlib.sha256(state).hexdigest()[:16]


@pytest.mark.parametrize(
    ("height", "width", "players", "after"),
    [
        (15, 15, 2, "52e8dd09fad93f62"),
        (8, 8, 2, "f0aebced692dc288"),
        (20, 12, 5, "77b9f0a343ea2a72"),
        (18, 18, 8, "41a329bd475f5596"),
    ],
)
def test_the_same_seeds_play_the_same_games(
    height: int, width: int, players: int, after: str
) -> None:
    """Golden: 300 ticks of pseudorandom moves on the maps of seeds 0 to 7."""
    games = batch([maps.generate(height, width, players, seed) for seed in range(8)])
    rng = np.random.Generator(np.random.PCG64(1))
    for _ in range(300):
        # Prefer cells with armies, so that something happens: the strongest one of each player.
        owned = np.stack([games.owner[:, games.inner] == p for p in range(players)], axis=1)
        strongest = np.where(owned, games.army[:, None, games.inner], -1).argmax(axis=-1)
        ways = (rng.random(strongest.shape) * 8).astype(np.int64)
        games.step(strongest * 8 + ways)
    assert digest(games) == after


def test_a_subset_of_games_can_be_stepped() -> None:
    boards = [maps.generate(8, 8, 2, seed) for seed in range(4)]
    games, other = batch(boards), batch(boards)
    passes = np.full((2, 2), PASS)
    for _ in range(HARVEST):
        games.step(passes, np.array([1, 3]))
        other.step(np.full((4, 2), PASS))
    assert games.tick.tolist() == [0, HARVEST, 0, HARVEST]
    assert (games.army[[1, 3]] == other.army[[1, 3]]).all()
    assert (games.army[[0, 2]] != other.army[[0, 2]]).any()


def test_room_for_more_games_changes_none() -> None:
    games = batch([maps.generate(9, 7, 3, 5)])
    before = digest(games)
    games.extend(3)
    assert games.over.tolist() == [False, True, True, True]
    games.load(2, maps.generate(9, 7, 3, 5), 1000)
    assert (games.army[0] == games.army[2]).all()
    kept = batch([maps.generate(9, 7, 3, 5)])
    assert digest(kept) == before
