"""What the policy sees: planes of numbers made from observations, and which moves are legal."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from generals_reference.experience import Tensors
from generals_reference.game.engine import FOG, FOG_OBSTACLE, HARVEST
from generals_reference.game.maps import CITY, GENERAL, MOUNTAIN, spread

MINE, THEIRS, NEUTRAL = 0, 1, -1  # owners, relative to the seat that looks
PLANES = 16
REACH = 16  # steps; how far the distance planes look
ACTIONS_PER_CELL = 8  # direction * 2 + half

Bools = NDArray[np.bool_]


def planes(view: Tensors) -> NDArray[np.float32]:
    """[n, height, width, PLANES] of observations as in experience.FIELDS, [n, height, width]."""
    army, owner, terrain = view["army"], view["owner"], view["terrain"]
    mine, theirs = owner == MINE, owner == THEIRS
    strength = np.log1p(army.astype(np.float32)) / 4
    blocked = obstacles(view)
    hidden = (terrain == FOG) | (terrain == FOG_OBSTACLE)
    score = view["score"].astype(np.float32)
    land = (score[:, 0] - score[:, 2]) / np.maximum(score[:, 0] + score[:, 2], 1)
    armies = (score[:, 1] - score[:, 3]) / np.maximum(score[:, 1] + score[:, 3], 1)
    phase = view["tick"] % HARVEST / np.float32(HARVEST)
    general = terrain == GENERAL
    out = [
        mine,
        mine * strength,
        mine & (army >= 2),
        theirs,
        theirs * strength,
        (owner == NEUTRAL) & ~blocked,
        (terrain == CITY) * (1 + strength),
        blocked,
        hidden & ~blocked,
        general & mine,
        general & ~mine,
        closeness(general & ~mine, blocked),
        closeness(theirs, blocked),
        closeness(hidden & ~blocked, blocked),
        np.broadcast_to((land + armies)[:, None, None], army.shape),
        np.broadcast_to(phase[:, None, None], army.shape),
    ]
    return np.stack([np.asarray(plane, np.float32) for plane in out], axis=-1)


def obstacles(view: Tensors) -> Bools:
    """Cells that no move should enter: mountains, and what may be one in the fog."""
    return (view["terrain"] == MOUNTAIN) | (view["terrain"] == FOG_OBSTACLE)


def closeness(goals: Bools, blocked: Bools) -> NDArray[np.float32]:
    """1 on a goal, falling to 0 at REACH steps of walking around what is blocked."""
    reached, total = goals, goals.astype(np.float32)
    for _ in range(REACH - 1):
        reached = spread(reached) & ~blocked | goals
        total += reached
    return total / REACH


def legal(view: Tensors) -> Bools:
    """[n, height * width * 8]: the moves that take something somewhere."""
    movable = (view["owner"] == MINE) & (view["army"] >= 2)
    free = np.pad(~obstacles(view), ((0, 0), (1, 1), (1, 1)))
    up, down = free[:, :-2, 1:-1], free[:, 2:, 1:-1]
    left, right = free[:, 1:-1, :-2], free[:, 1:-1, 2:]
    ways = np.stack([up, right, down, left], axis=-1) & movable[..., None]
    return np.repeat(ways, 2, axis=-1).reshape(len(movable), -1)


def view_of(observation: Any, known: NDArray[np.uint8] | None) -> Tensors:
    """One observation as tensors without the leading axis, owners relative to its seat.

    `known` is what the seat knew of the terrain before: cities and generals once seen stay known.
    """
    shape = (observation.height, observation.width)
    seat = observation.seat
    owner = np.frombuffer(observation.owner, np.int8).reshape(shape)
    terrain = np.frombuffer(observation.terrain, np.uint8).reshape(shape)
    if known is not None:
        seen_before = (known == MOUNTAIN) | (known == CITY) | (known == GENERAL)
        terrain = np.where((terrain >= FOG) & seen_before, known, terrain)
    land, armies = np.array(observation.land), np.array(observation.armies)
    score = [land[seat], armies[seat], land.sum() - land[seat], armies.sum() - armies[seat]]
    relative = np.where(owner >= 0, np.where(owner == seat, MINE, THEIRS), owner)
    return {
        "army": np.frombuffer(observation.army, "<i4").reshape(shape).astype(np.int32),
        "owner": relative.astype(np.int8),
        "terrain": terrain,
        "score": np.array(score, np.int32),
        "tick": np.array(observation.tick, np.int32),
    }


def stack(views: list[Tensors]) -> Tensors:
    """Several views as one, with a leading axis."""
    return {name: np.stack([view[name] for view in views]) for name in views[0]}
