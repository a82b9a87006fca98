"""The learner in PyTorch: on a GPU where there is one, on several hosts where there are several.

It computes what ``learner.Learner`` computes, with the same weights, and its checkpoints are the
same: either goes on where the other stopped.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
import torch.distributed as dist

from generals_reference.experience import Tensors
from generals_reference.policy import features, learner, network, vtrace
from generals_reference.policy.learner import Learner, Update, flat_view, stack
from generals_reference.policy.network import Floats

Tensor = torch.Tensor


class TorchLearner:
    """The parameters on their device, and Adam; see ``Learner`` for what the methods do."""

    def __init__(self, start: Learner) -> None:
        self.device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        self.step = start.step
        self.parameters = {
            name: torch.tensor(array, device=self.device, requires_grad=True)
            for name, array in start.weights.items()
        }
        self.optimiser = torch.optim.Adam(
            self.parameters.values(),
            lr=learner.RATE,
            betas=(learner.DECAY1, learner.DECAY2),
            eps=learner.EPSILON,
        )
        if start.step:
            for name, parameter in self.parameters.items():
                self.optimiser.state[parameter] = {
                    "step": torch.tensor(float(start.step)),
                    "exp_avg": torch.tensor(start.mean[name], device=self.device),
                    "exp_avg_sq": torch.tensor(start.square[name], device=self.device),
                }

    @property
    def weights(self) -> network.Weights:
        return {name: _numpy(parameter) for name, parameter in self.parameters.items()}

    def update(self, batch: list[Tensors], importance: Floats) -> Update:
        """One gradient step, averaged over all processes that train together."""
        fragments = stack(batch)
        view = flat_view(fragments)
        logits, value = self.forward(features.planes(view), features.legal(view))
        loss, out = self.loss(logits, value, fragments, importance)
        self.optimiser.zero_grad()
        loss.backward()
        if dist.is_initialized():
            for parameter in self.parameters.values():
                dist.all_reduce(parameter.grad)
                parameter.grad /= dist.get_world_size()
        torch.nn.utils.clip_grad_norm_(self.parameters.values(), learner.MAX_NORM)
        self.optimiser.step()
        self.step += 1
        return out

    def forward(self, planes: Floats, legal: Any) -> tuple[Tensor, Tensor]:
        """The same network as ``network.forward``."""
        held, count = self.parameters, len(planes)
        rows = torch.as_tensor(network.patches(planes), device=self.device)
        hidden = torch.relu(rows @ held["hidden1.weight"] + held["hidden1.bias"])
        hidden = torch.relu(hidden @ held["hidden2.weight"] + held["hidden2.bias"])
        logits = (hidden @ held["policy.weight"] + held["policy.bias"]).reshape(count, -1)
        possible = torch.as_tensor(legal, device=self.device)
        mean = hidden.reshape(count, -1, network.WIDTHS[1]).mean(dim=1)
        value = mean @ held["value.weight"] + held["value.bias"]
        return torch.where(possible, logits, float(network.IMPOSSIBLE)), value

    def loss(
        self, logits: Tensor, values: Tensor, fragments: Tensors, importance: Floats
    ) -> tuple[Tensor, Update]:
        """The same loss as ``learner.gradients``, left to autograd."""
        count, steps = fragments["action"].shape
        action = self._tensor(fragments["action"]).long()
        logp = torch.log_softmax(logits, -1).reshape(count, steps + 1, -1)[:, :-1]
        value = values.reshape(count, steps + 1)
        acted = (action >= 0).float()
        taken = logp.gather(-1, action.clamp(min=0)[..., None])[..., 0] * acted
        aim = vtrace.targets(
            logp=_numpy(taken),
            acted=fragments["logp"],
            reward=fragments["reward"],
            done=fragments["done"],
            value=_numpy(value),
            discount=learner.DISCOUNT,
        )
        weight = self._tensor(importance)[:, None] / (count * steps)
        entropy = -(logp.exp() * logp.clamp(min=-50)).sum(-1)
        policy_loss = -(weight * acted * self._tensor(aim.advantage) * taken).sum()
        value_loss = (weight * (value[:, :-1] - self._tensor(aim.value)) ** 2).sum() / 2
        bonus = learner.ENTROPY_WEIGHT * (weight * acted * entropy).sum()
        loss = policy_loss + learner.VALUE_WEIGHT * value_loss - bonus
        numbers = (loss.item(), policy_loss.item(), value_loss.item(), entropy.mean().item())
        return loss, Update(*numbers, surprise=np.abs(aim.advantage).mean(axis=1))

    def _tensor(self, array: Any) -> Tensor:
        return torch.as_tensor(np.asarray(array, np.float32), device=self.device)

    def to_bytes(self) -> bytes:
        """A checkpoint in the format of ``Learner``."""
        same = Learner(self.weights)
        same.step = self.step
        for name, parameter in self.parameters.items():
            if state := self.optimiser.state.get(parameter):
                same.mean[name] = _numpy(state["exp_avg"])
                same.square[name] = _numpy(state["exp_avg_sq"])
        return same.to_bytes()


def _numpy(tensor: Tensor) -> Any:
    return tensor.detach().cpu().numpy()
