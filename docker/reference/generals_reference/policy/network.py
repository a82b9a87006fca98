"""The policy network, in NumPy: small enough that acting needs no other library (see learner.py).

Every cell looks at its 3x3 neighbourhood of planes; two hidden layers, shared by all cells, give it
a logit for each of its eight moves. The value of the position comes from the mean of the cells.
"""

from __future__ import annotations

import io
from typing import Any

import numpy as np
from numpy.typing import NDArray

from generals_reference.policy.features import ACTIONS_PER_CELL, PLANES

Floats = NDArray[np.float32]
Weights = dict[str, Floats]
WIDTHS = (64, 32)  # hidden units
SHAPES = {
    "hidden1.weight": (9 * PLANES, WIDTHS[0]),
    "hidden1.bias": (WIDTHS[0],),
    "hidden2.weight": (WIDTHS[0], WIDTHS[1]),
    "hidden2.bias": (WIDTHS[1],),
    "policy.weight": (WIDTHS[1], ACTIONS_PER_CELL),
    "policy.bias": (ACTIONS_PER_CELL,),
    "value.weight": (WIDTHS[1],),
    "value.bias": (),
}
IMPOSSIBLE = np.float32(-1e9)


def initial(seed: int = 0) -> Weights:
    """Weights to begin with (He et al., 2015); the last layers begin near 0: all moves alike."""
    rng = np.random.default_rng(seed)
    out: Weights = {}
    for name, shape in SHAPES.items():
        scale = np.sqrt(2 / shape[0]) if name.startswith("hidden") else 0.01
        random = rng.standard_normal(shape) * scale if name.endswith("weight") else np.zeros(shape)
        out[name] = np.asarray(random, np.float32)
    return out


def to_bytes(weights: Weights) -> bytes:
    """Weights as an .npz file; the same weights give the same bytes."""
    stream = io.BytesIO()
    np.savez(stream, **{name: weights[name] for name in SHAPES})
    return stream.getvalue()


def from_bytes(data: bytes) -> Weights:
    """Weights out of an .npz file. Raises ValueError unless they fit this network."""
    with np.load(io.BytesIO(data), allow_pickle=False) as file:
        weights = {name: file[name] for name in file.files}
    shapes = {name: array.shape for name, array in weights.items()}
    if shapes != SHAPES:
        raise ValueError(f"weights of another network: {shapes}")
    return {name: array.astype(np.float32) for name, array in weights.items()}


def patches(planes: Floats) -> Floats:
    """The 3x3 neighbourhood of every cell, zeros beyond the edge: [n * cells, 9 * PLANES]."""
    padded = np.pad(planes, ((0, 0), (1, 1), (1, 1), (0, 0)))
    height, width = planes.shape[1:3]
    shifts = [padded[:, y : y + height, x : x + width] for y in range(3) for x in range(3)]
    return np.concatenate(shifts, axis=-1).reshape(-1, 9 * PLANES)


def forward(weights: Weights, planes: Floats, legal: NDArray[np.bool_]) -> tuple[Floats, Floats]:
    """Logits (impossible moves far below all others) and values of `n` positions."""
    count = len(planes)
    hidden = np.maximum(patches(planes) @ weights["hidden1.weight"] + weights["hidden1.bias"], 0)
    hidden = np.maximum(hidden @ weights["hidden2.weight"] + weights["hidden2.bias"], 0)
    logits = (hidden @ weights["policy.weight"] + weights["policy.bias"]).reshape(count, -1)
    mean = hidden.reshape(count, -1, WIDTHS[1]).mean(axis=1)
    value = np.asarray(mean @ weights["value.weight"] + weights["value.bias"])
    return np.where(legal, logits, IMPOSSIBLE), value


def log_softmax(logits: Floats) -> Floats:
    shifted = logits - logits.max(axis=-1, keepdims=True)
    return np.asarray(shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True)))


def sample(logits: Floats, rng: np.random.Generator) -> tuple[NDArray[Any], Floats]:
    """One action a position, drawn by its probability, and the log of that probability."""
    logp = log_softmax(logits)
    noise = -np.log(-np.log(rng.random(logp.shape).clip(1e-12, 1 - 1e-7)))  # Gumbel's
    action = (logp + noise).argmax(axis=-1)
    return action, logp[np.arange(len(action)), action].astype(np.float32)
