"""What the policy sees and how it computes: planes, legal moves, network, players."""

from __future__ import annotations

import numpy as np
import pytest
from boards import game
from generals_reference.game.engine import FOG, PASS
from generals_reference.game.maps import GENERAL
from generals_reference.policy import features, network
from generals_reference.policy.players import Heuristic, Policy, Random
from generals_reference.v1 import game_pb2
from samples import tensors

RNG = np.random.default_rng(0)


def view(picture: str, seat: int = 0) -> dict[str, np.ndarray]:
    """What a seat sees of a drawn board, with a leading axis of 1."""
    games = game(picture)
    army, owner, terrain = (array[0] for array in games.observe(np.array([0]), np.array([seat])))
    land, armies = (array[0].tolist() for array in games.scores(np.array([0])))
    message = game_pb2.Observation(
        height=games.height,
        width=games.width,
        seat=seat,
        army=army.astype("<i4").tobytes(),
        owner=owner.tobytes(),
        terrain=terrain.tobytes(),
        land=land,
        armies=armies,
    )
    return features.stack([features.view_of(message, None)])


def test_owners_are_relative_to_the_seat() -> None:
    seen = view("A1 b5 B1 .", seat=1)
    assert seen["owner"][0].tolist() == [[1, 0, 0, -1]]
    assert seen["score"].tolist() == [[2, 6, 1, 1]]


def test_what_was_seen_once_stays_known() -> None:
    message = game_pb2.Observation(
        height=1, width=3, army=bytes(12), owner=b"\xfe" * 3, terrain=bytes([FOG, FOG, FOG]),
        land=[0], armies=[0],
    )  # fmt: skip
    known = np.array([[GENERAL, 0, FOG]], np.uint8)
    assert features.view_of(message, known)["terrain"].tolist() == [[GENERAL, FOG, FOG]]


def test_legal_moves_are_those_that_take_something_somewhere() -> None:
    legal = features.legal(view("A3 a1 .\n## a2 .\n. . B1"))[0].reshape(3, 3, 8)
    assert np.argwhere(legal.any(axis=-1)).tolist() == [[0, 0], [1, 1]]
    assert legal[0, 0].tolist() == [False, False, True, True, False, False, False, False]
    assert legal[1, 1].tolist() == [True, True, True, True, True, True, False, False]


def test_closeness_goes_around_obstacles() -> None:
    goals = np.array([[[True, False, False]] * 2])
    blocked = np.array([[[False, True, False], [False, False, False]]])
    near = features.closeness(goals & [[[1, 1, 1], [0, 0, 0]]], blocked)[0] * features.REACH
    assert near[0].tolist() == [16, 0, 12]
    assert near[1].tolist() == [15, 14, 13]


def test_planes_are_finite_and_of_the_expected_shape() -> None:
    seen = {name: tensors()[name] for name in ("army", "owner", "terrain", "score", "tick")}
    planes = features.planes(seen)
    assert planes.shape == (5, 4, 4, features.PLANES)
    assert planes.dtype == np.float32
    assert np.isfinite(planes).all()


def test_the_network_does_not_care_where_on_the_board_it_is() -> None:
    planes = np.zeros((1, 7, 7, features.PLANES), np.float32)
    planes[0, 1:4, 1:4] = RNG.normal(size=(3, 3, features.PLANES))
    moved = np.roll(planes, (2, 2), axis=(1, 2))
    legal = np.ones((1, 7 * 7 * 8), bool)
    weights = network.initial(1)
    here, there = (
        network.forward(weights, seen, legal)[0].reshape(7, 7, 8) for seen in (planes, moved)
    )
    assert np.allclose(here[1:4, 1:4], there[3:6, 3:6], atol=1e-6)


def test_weights_survive_as_bytes() -> None:
    weights = network.initial(3)
    data = network.to_bytes(weights)
    assert data == network.to_bytes(network.from_bytes(data))
    with pytest.raises(ValueError, match="another network"):
        network.from_bytes(network.to_bytes(weights | {"value.weight": np.zeros(3, np.float32)}))


@pytest.mark.parametrize(
    "player",
    [Random(RNG), Heuristic(RNG), Policy(network.initial(), RNG)],
    ids=["random", "heuristic", "policy"],
)
def test_players_choose_legal_moves_and_pass_without_one(player: object) -> None:
    seen = features.stack(
        [{k: v[0] for k, v in view(text).items()} for text in ("A3 a1 . B1", "A1 a1 . B1")]
    )
    legal = features.legal(seen)
    for _ in range(20):
        action, logp = player.choose(seen)  # type: ignore[attr-defined]
        assert legal[0, action[0]]
        assert logp[0] < 0
        assert (action[1], logp[1]) == (PASS, 0)


def test_random_moves_are_all_alike() -> None:
    seen = {k: np.repeat(v, 4000, axis=0) for k, v in view("A3 a3 . B1").items()}
    action, logp = Random(RNG).choose(seen)
    values, counts = np.unique(action, return_counts=True)
    assert len(values) == features.legal(seen)[0].sum() == 6
    assert counts.min() > 4000 / 6 * 0.8
    assert np.allclose(logp, -np.log(6))


@pytest.mark.parametrize(
    ("picture", "cell", "way"),
    [
        ("A1 a9 B3 b2", 1, 1),  # takes the general
        ("A1 a5 b2 B9\n. . . .", 1, 1),  # takes what it can of the enemy, before free land
        ("A1 a1 a9 a1\n. . . .", 2, 2),  # takes free land
        ("A1 a9 a1 .", 1, 1),  # walks to the front
    ],
)
def test_what_the_heuristic_prefers(picture: str, cell: int, way: int) -> None:
    other = "\n" + " ".join(["##"] * 4) + "\n## ## B1 ##" if "B" not in picture else ""
    seen = view(picture + other)
    choices = [int(Heuristic(RNG).choose(seen)[0][0]) // 2 for _ in range(50)]
    assert choices.count(cell * 4 + way) > 30
