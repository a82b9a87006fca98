"""Well-formed experiences for tests."""

from __future__ import annotations

import time

import numpy as np
from generals_reference.experience import Tensors, pack
from generals_reference.v1 import buffer_pb2

STEPS, SIDE = 4, 4


def tensors(seed: int = 0, steps: int = STEPS, side: int = SIDE) -> Tensors:
    """A fragment that could be one: own land in a corner, moves of it."""
    rng = np.random.default_rng(seed)
    owner = np.full((steps + 1, side, side), -1, np.int8)
    owner[:, 0, :2], owner[:, -1, -1] = 0, 1
    return {
        "army": rng.integers(2, 9, (steps + 1, side, side)).astype(np.int32),
        "owner": owner,
        "terrain": np.zeros((steps + 1, side, side), np.uint8),
        "score": rng.integers(1, 9, (steps + 1, 4)).astype(np.int32),
        "tick": np.arange(steps + 1, dtype=np.int32),
        "action": rng.integers(1, 3, steps).astype(np.int32) * 2,
        "logp": rng.normal(-2, 0.3, steps).astype(np.float32),
        "reward": rng.normal(0, 0.3, steps).astype(np.float32),
        "done": np.arange(steps) == steps - 1,
    }


def experience(
    name: str,
    seed: int = 0,
    tensors: Tensors = tensors(),  # noqa: B008
) -> buffer_pb2.Experience:
    return pack(tensors, id=name, agent="test", model_version=seed, created=time.time())
