"""The learner: actor-critic with V-trace and Adam, in NumPy."""

from __future__ import annotations

import io
from dataclasses import dataclass

import numpy as np

from generals_reference.experience import Tensors
from generals_reference.policy import features, network, vtrace

DISCOUNT = 0.99
VALUE_WEIGHT = 0.5
ENTROPY_WEIGHT = 0.003
RATE = 1e-3  # Adam's step
DECAY1, DECAY2, EPSILON = 0.9, 0.999, 1e-8  # Adam's usual constants (Kingma and Ba, 2015)
MAX_NORM = 1.0  # of all gradients together


@dataclass(frozen=True)
class Update:
    """What one update looked like."""

    loss: float
    policy_loss: float
    value_loss: float
    entropy: float
    surprise: np.ndarray  # mean absolute advantage of each fragment: its next priority


class Learner:
    """Weights and the state of their optimiser; both are saved and restored together."""

    def __init__(self, weights: network.Weights) -> None:
        self.weights = weights
        self.mean = {name: np.zeros_like(array) for name, array in weights.items()}
        self.square = {name: np.zeros_like(array) for name, array in weights.items()}
        self.step = 0

    def update(self, batch: list[Tensors], importance: np.ndarray) -> Update:
        """One gradient step on fragments of one length and board size."""
        fragments = {name: np.stack([item[name] for item in batch]) for name in batch[0]}
        count, steps = fragments["action"].shape
        view = {
            name: fragments[name].reshape(-1, *fragments[name].shape[2:])
            for name in ("army", "owner", "terrain", "score", "tick")
        }
        done = network.forward(self.weights, features.planes(view), features.legal(view))
        logp = network.log_softmax(done.logits).reshape(count, steps + 1, -1)[:, :-1]
        value = done.value.reshape(count, steps + 1)
        action = fragments["action"]
        acted = action >= 0  # a PASS was no choice
        taken = np.take_along_axis(logp, np.maximum(action, 0)[..., None], -1)[..., 0] * acted
        aim = vtrace.targets(
            logp=taken,
            acted=fragments["logp"],
            reward=fragments["reward"],
            done=fragments["done"],
            value=value,
            discount=DISCOUNT,
        )
        # Gradients of the loss with respect to logits and values, by hand.
        chance = np.exp(logp)
        entropy = -(chance * np.maximum(logp, -50)).sum(axis=-1)
        weight = importance[:, None] * acted / (count * steps)
        push = (weight * aim.advantage)[..., None]
        at_logits = np.zeros((count, steps + 1, logp.shape[-1]), np.float32)
        at_logits[:, :-1] = push * chance
        np.put_along_axis(
            at_logits[:, :-1],
            np.maximum(action, 0)[..., None],
            np.take_along_axis(at_logits[:, :-1], np.maximum(action, 0)[..., None], -1) - push,
            -1,
        )
        spread = (weight * ENTROPY_WEIGHT)[..., None]
        at_logits[:, :-1] += spread * chance * (np.maximum(logp, -50) + entropy[..., None])
        error = value[:, :-1] - aim.value
        at_value = np.zeros_like(value)
        at_value[:, :-1] = VALUE_WEIGHT * importance[:, None] * error / (count * steps)
        self._descend(
            network.backward(
                self.weights,
                done,
                at_logits.reshape(len(done.value), -1),
                at_value.reshape(-1).astype(np.float32),
            )
        )
        policy_loss = -float((weight * aim.advantage * taken).sum())
        value_loss = float((importance[:, None] * error**2).mean()) / 2
        mean_entropy = float(entropy.mean())
        return Update(
            policy_loss + VALUE_WEIGHT * value_loss - ENTROPY_WEIGHT * mean_entropy,
            policy_loss,
            value_loss,
            mean_entropy,
            np.abs(aim.advantage).mean(axis=1),
        )

    def _descend(self, gradients: network.Weights) -> None:
        """One step of Adam."""
        self.step += 1
        norm = np.sqrt(sum(float((array**2).sum()) for array in gradients.values()))
        scale = min(1.0, MAX_NORM / (norm + 1e-12))
        rate = RATE * np.sqrt(1 - DECAY2**self.step) / (1 - DECAY1**self.step)
        for name, gradient in gradients.items():
            clipped = gradient * scale
            self.mean[name] = DECAY1 * self.mean[name] + (1 - DECAY1) * clipped
            self.square[name] = DECAY2 * self.square[name] + (1 - DECAY2) * clipped**2
            change = rate * self.mean[name] / (np.sqrt(self.square[name]) + EPSILON)
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
