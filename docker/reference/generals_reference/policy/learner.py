"""The learner: actor-critic with V-trace and Adam, in NumPy."""

from __future__ import annotations

import io
from dataclasses import dataclass

import numpy as np

from generals_reference.experience import FIELDS, Tensors
from generals_reference.policy import features, network, vtrace
from generals_reference.policy.network import Floats

DISCOUNT = 0.98
VALUE_WEIGHT = 0.5
ENTROPY_WEIGHT = 0.003
RATE = 3e-3  # Adam's step
DECAY1, DECAY2, EPSILON = 0.9, 0.999, 1e-8  # Adam's usual constants (Kingma and Ba, 2015)
MAX_NORM = 1.0  # of all gradients together


@dataclass(frozen=True)
class Update:
    """What one update looked like."""

    loss: float
    policy_loss: float
    value_loss: float
    entropy: float
    surprise: Floats  # mean absolute advantage of each fragment: its next priority


def stack(batch: list[Tensors]) -> Tensors:
    """Fragments as one, with a leading axis; all must have one length and board size."""
    return {name: np.stack([item[name] for item in batch]) for name in batch[0]}


def flat_view(fragments: Tensors) -> Tensors:
    """All observations of stacked fragments, with fragments and steps as one axis."""
    observed = {name: fragments[name] for name, field in FIELDS.items() if field.observed}
    return {name: array.reshape(-1, *array.shape[2:]) for name, array in observed.items()}


def gradients(
    logits: Floats, values: Floats, fragments: Tensors, importance: Floats
) -> tuple[Update, Floats, Floats]:
    """The loss, and its gradients by `logits` and `values`, which come one row per observation.

    Advantages and value targets count as constants, as in the paper.
    """
    action = fragments["action"]
    count, steps = action.shape
    every = network.log_softmax(logits).reshape(count, steps + 1, -1)
    logp, chance = np.maximum(every[:, :-1], -50), np.exp(every[:, :-1])
    value = values.reshape(count, steps + 1)
    acted = action >= 0  # a PASS was no choice
    chosen = np.maximum(action, 0)[..., None]
    taken = np.take_along_axis(logp, chosen, -1)[..., 0] * acted
    aim = vtrace.targets(
        logp=taken,
        acted=fragments["logp"],
        reward=fragments["reward"],
        done=fragments["done"],
        value=value,
        discount=DISCOUNT,
    )
    weight = importance[:, None] * acted / (count * steps)
    entropy = -(chance * logp).sum(axis=-1)
    error = value[:, :-1] - aim.value

    at_logits = np.zeros_like(every)
    push = (weight * aim.advantage)[..., None]
    hit = np.zeros_like(chance)
    np.put_along_axis(hit, chosen, 1, -1)
    at_logits[:, :-1] = push * (chance - hit)
    spread = (weight * ENTROPY_WEIGHT)[..., None]
    at_logits[:, :-1] += spread * chance * (logp + entropy[..., None])
    at_value = np.zeros_like(value)
    at_value[:, :-1] = VALUE_WEIGHT * importance[:, None] * error / (count * steps)

    policy_loss = -float((weight * aim.advantage * taken).sum())
    value_loss = float((importance[:, None] * error**2).mean()) / 2
    bonus = ENTROPY_WEIGHT * float((weight * entropy).sum())
    update = Update(
        policy_loss + VALUE_WEIGHT * value_loss - bonus,
        policy_loss,
        value_loss,
        float(entropy.mean()),
        np.abs(aim.advantage).mean(axis=1),
    )
    return update, at_logits.reshape(len(values), -1), at_value.reshape(-1).astype(np.float32)


class Learner:
    """Weights and the state of their optimiser; both are saved and restored together."""

    def __init__(self, weights: network.Weights) -> None:
        self.weights = weights
        self.mean = {name: np.zeros_like(array) for name, array in weights.items()}
        self.square = {name: np.zeros_like(array) for name, array in weights.items()}
        self.step = 0

    def update(self, batch: list[Tensors], importance: Floats) -> Update:
        """One gradient step on fragments of one length and board size, weighted by `importance`."""
        fragments = stack(batch)
        view = flat_view(fragments)
        done = network.forward(self.weights, features.planes(view), features.legal(view))
        out, at_logits, at_value = gradients(done.logits, done.value, fragments, importance)
        self._descend(network.backward(self.weights, done, at_logits, at_value))
        return out

    def _descend(self, gradients: network.Weights) -> None:
        """One step of Adam."""
        self.step += 1
        norm = np.sqrt(sum(float((array**2).sum()) for array in gradients.values()))
        scale = min(1.0, MAX_NORM / (norm + 1e-12))
        rate = RATE / (1 - DECAY1**self.step)
        for name, gradient in gradients.items():
            clipped = gradient * scale
            self.mean[name] = DECAY1 * self.mean[name] + (1 - DECAY1) * clipped
            self.square[name] = DECAY2 * self.square[name] + (1 - DECAY2) * clipped**2
            size = np.sqrt(self.square[name] / (1 - DECAY2**self.step))
            change = rate * self.mean[name] / (size + EPSILON)
            self.weights[name] = (self.weights[name] - change).astype(np.float32)

    def to_bytes(self) -> bytes:
        """Everything that is needed to go on, as an .npz file."""
        parts = {"weights": self.weights, "mean": self.mean, "square": self.square}
        arrays = {f"{part}/{name}": a for part, held in parts.items() for name, a in held.items()}
        stream = io.BytesIO()
        np.savez(stream, step=np.array(self.step), **arrays)
        return stream.getvalue()

    @classmethod
    def from_bytes(cls, data: bytes) -> Learner:
        """The learner that ``to_bytes`` saved."""
        with np.load(io.BytesIO(data), allow_pickle=False) as file:
            learner = cls({name: file[f"weights/{name}"] for name in network.SHAPES})
            learner.mean = {name: file[f"mean/{name}"] for name in network.SHAPES}
            learner.square = {name: file[f"square/{name}"] for name in network.SHAPES}
            learner.step = int(file["step"])
        return learner
