"""Players: the policy with given weights, a random one and a heuristic one."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from generals_reference.experience import Tensors
from generals_reference.game.engine import PASS
from generals_reference.policy import features, network

Choice = tuple[NDArray[Any], NDArray[np.float32]]  # actions and their log probabilities


class Player:
    """Draws moves from a softmax over a score of each; the subclasses say which score."""

    def __init__(self, rng: np.random.Generator) -> None:
        self.rng = rng

    def scores(self, view: Tensors, legal: NDArray[np.bool_]) -> NDArray[np.float32]:
        """[n, moves]; what is not legal must be network.IMPOSSIBLE."""
        raise NotImplementedError

    def choose(self, view: Tensors) -> Choice:
        """A move in each of several positions, with a leading axis; PASS where there is none."""
        legal = features.legal(view)
        action, logp = network.sample(self.scores(view, legal), self.rng)
        stuck = ~legal.any(axis=1)
        return np.where(stuck, PASS, action), np.where(stuck, np.float32(0), logp)


class Policy(Player):
    """Plays what the network says."""

    def __init__(self, weights: network.Weights, rng: np.random.Generator) -> None:
        super().__init__(rng)
        self.weights = weights

    def scores(self, view: Tensors, legal: NDArray[np.bool_]) -> NDArray[np.float32]:
        return network.forward(self.weights, features.planes(view), legal)[0]


class Random(Player):
    """Any legal move."""

    def scores(self, view: Tensors, legal: NDArray[np.bool_]) -> NDArray[np.float32]:
        return np.where(legal, np.float32(0), network.IMPOSSIBLE)


class Heuristic(Player):
    """Takes generals, then what it can of the enemy, then free land, else walks to the front."""

    def scores(self, view: Tensors, legal: NDArray[np.bool_]) -> NDArray[np.float32]:
        army, owner = view["army"], view["owner"]
        blocked = features.obstacles(view)
        theirs, free = owner == features.THEIRS, (owner == features.NEUTRAL) & ~blocked
        general = (view["terrain"] == features.GENERAL) & (owner != features.MINE)
        front = theirs | free | ((view["terrain"] == features.FOG) & ~blocked)
        pull = features.closeness(general, blocked) * 12 + features.closeness(front, blocked) * 8
        worth = theirs * 6.0 + free * 3.0 + general * 50.0
        gain = np.stack([_ahead(worth, way) for way in range(4)], axis=-1)
        gain *= army[..., None] - 1 > np.stack([_ahead(army, way) for way in range(4)], axis=-1)
        gain += np.stack([_ahead(pull, way) for way in range(4)], axis=-1) - pull[..., None]
        gain += np.log1p(army)[..., None]
        both = np.stack([gain, gain - 3], axis=-1).reshape(len(army), -1)  # halves seldom
        return np.where(legal, 2 * both, network.IMPOSSIBLE).astype(np.float32)


def _ahead(values: NDArray[Any], way: int) -> NDArray[Any]:
    """What is at the neighbour of each cell in a direction; 0 beyond the edge."""
    down, right = ((-1, 0), (0, 1), (1, 0), (0, -1))[way]
    padded = np.pad(values, ((0, 0), (1, 1), (1, 1)))
    height, width = values.shape[1:]
    return padded[:, 1 + down : 1 + down + height, 1 + right : 1 + right + width]
