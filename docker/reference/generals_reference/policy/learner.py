"""The learner: actor-critic with V-trace and Adam, in PyTorch.

It learns on a GPU where there is one. Processes that `torchrun` has started learn together: each
from a batch of its own, all with the same weights.
"""

from __future__ import annotations

import io
import os
import socket
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import numpy as np
import psutil
import torch
import torch.distributed as dist

from generals_reference.experience import FIELDS, Tensors
from generals_reference.policy import features, network, vtrace
from generals_reference.policy.network import Floats

DISCOUNT = 0.98
VALUE_WEIGHT = 0.5
ENTROPY_WEIGHT = 0.003
RATE = 3e-3  # Adam's step
MAX_NORM = 1.0  # of all gradients together
PATIENCE = timedelta(minutes=2)  # with the others; then this process ends and is started anew

Tensor = torch.Tensor


def interface(address: str) -> str:
    """The network interface towards an address. Gloo would take the one of this host's own name,
    which on Debian is 127.0.1.1."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect((address, 1))  # sends nothing
        ours, _ = probe.getsockname()
    there = psutil.net_if_addrs().items()
    return next(name for name, known in there if ours in [each.address for each in known])


class Group:
    """The processes that learn together; alone unless `torchrun` says otherwise (WORLD_SIZE)."""

    def __init__(self) -> None:
        self.size = int(os.environ.get("WORLD_SIZE", "1"))
        cuda = torch.cuda.is_available()
        self.device = torch.device("cuda" if cuda else "cpu")
        if cuda:  # `torchrun` numbers the processes of a host
            torch.cuda.set_device(int(os.environ.get("LOCAL_RANK", "0")))
        if self.size > 1:
            os.environ.setdefault("GLOO_SOCKET_IFNAME", interface(os.environ["MASTER_ADDR"]))
            dist.init_process_group("nccl" if cuda else "gloo", timeout=PATIENCE)
        self.leads = self.size == 1 or dist.get_rank() == 0

    def all(self, ready: bool) -> bool:
        """Whether every process is ready."""
        if self.size == 1:
            return ready
        flag = torch.tensor(int(ready), device=self.device)
        dist.all_reduce(flag, dist.ReduceOp.MIN)
        return bool(flag.item())

    def shared(self, value: Any) -> Any:
        """The first process's value, for all."""
        values = [value]
        if self.size > 1:
            dist.broadcast_object_list(values, src=0, device=self.device)
        return values[0]

    def average(self, tensor: Tensor) -> None:
        """Replace a tensor by its mean over all processes."""
        if self.size > 1:
            dist.all_reduce(tensor)
            tensor /= self.size

    def leave(self) -> None:
        if self.size > 1:
            dist.destroy_process_group()


@dataclass(frozen=True)
class Update:
    """What one update looked like."""

    loss: float
    policy_loss: float
    value_loss: float
    entropy: float
    surprise: Floats  # mean absolute advantage of each fragment: its next priority


class Learner:
    """Weights and their optimiser, begun from what ``to_bytes`` saved, or from nothing."""

    def __init__(self, group: Group, saved: bytes | None = None) -> None:
        self.group, self.step = group, 0
        self.parameters = {
            name: torch.tensor(array, device=group.device, requires_grad=True)
            for name, array in network.initial().items()
        }
        self.optimiser = torch.optim.Adam(self.parameters.values(), lr=RATE)
        if saved := group.shared(saved):
            self._restore(saved)

    @property
    def weights(self) -> network.Weights:
        return {name: _numpy(parameter).copy() for name, parameter in self.parameters.items()}

    def update(self, batch: list[Tensors], importance: Floats) -> Update:
        """One gradient step on fragments of one length and board size, weighted by `importance`."""
        fragments = features.stack(batch)
        view = {
            name: fragments[name].reshape(-1, *fragments[name].shape[2:])
            for name, field in FIELDS.items()
            if field.observed
        }
        logits, values = self.forward(features.planes(view), features.legal(view))
        loss, out = self.loss(logits, values, fragments, importance)
        self.optimiser.zero_grad()
        loss.backward()
        for parameter in self.parameters.values():
            self.group.average(parameter.grad)
        torch.nn.utils.clip_grad_norm_(self.parameters.values(), MAX_NORM)
        self.optimiser.step()
        self.step += 1
        return out

    def forward(self, planes: Floats, legal: Any) -> tuple[Tensor, Tensor]:
        """Logits and values: what ``network.forward`` computes, with gradients."""
        held, count = self.parameters, len(planes)
        rows = self._tensor(network.patches(planes))
        hidden = torch.relu(rows @ held["hidden1.weight"] + held["hidden1.bias"])
        hidden = torch.relu(hidden @ held["hidden2.weight"] + held["hidden2.bias"])
        logits = (hidden @ held["policy.weight"] + held["policy.bias"]).reshape(count, -1)
        mean = hidden.reshape(count, -1, network.WIDTHS[1]).mean(dim=1)
        possible = torch.as_tensor(legal, device=self.group.device)
        value = mean @ held["value.weight"] + held["value.bias"]
        return torch.where(possible, logits, float(network.IMPOSSIBLE)), value

    def loss(
        self, logits: Tensor, values: Tensor, fragments: Tensors, importance: Floats
    ) -> tuple[Tensor, Update]:
        """The loss of stacked fragments; `logits` and `values` come one row per observation.

        Advantages and value targets count as constants, as in the paper.
        """
        count, steps = fragments["action"].shape
        action = torch.as_tensor(fragments["action"], device=self.group.device).long()
        acted = (action >= 0).float()  # a PASS was no choice
        logp = torch.log_softmax(logits, -1).reshape(count, steps + 1, -1)[:, :-1]
        taken = logp.gather(-1, action.clamp(min=0)[..., None])[..., 0] * acted
        value = values.reshape(count, steps + 1)
        aim = vtrace.targets(
            logp=_numpy(taken),
            acted=fragments["logp"],
            reward=fragments["reward"],
            done=fragments["done"],
            value=_numpy(value),
            discount=DISCOUNT,
        )
        weight = self._tensor(importance)[:, None] / (count * steps)
        entropy = -(logp.exp() * logp.clamp(min=-50)).sum(-1)
        policy_loss = -(weight * acted * self._tensor(aim.advantage) * taken).sum()
        value_loss = (weight * (value[:, :-1] - self._tensor(aim.value)) ** 2).sum() / 2
        bonus = ENTROPY_WEIGHT * (weight * acted * entropy).sum()
        loss = policy_loss + VALUE_WEIGHT * value_loss - bonus
        numbers = (loss.item(), policy_loss.item(), value_loss.item(), entropy.mean().item())
        return loss, Update(*numbers, surprise=np.abs(aim.advantage).mean(axis=1))

    def _tensor(self, array: Any) -> Tensor:
        return torch.as_tensor(np.asarray(array, np.float32), device=self.group.device)

    def to_bytes(self) -> bytes:
        """Everything that is needed to go on."""
        stream = io.BytesIO()
        state = {
            "step": self.step,
            "weights": {name: each.detach() for name, each in self.parameters.items()},
            "optimiser": self.optimiser.state_dict(),
        }
        torch.save(state, stream)
        return stream.getvalue()

    def _restore(self, saved: bytes) -> None:
        state = torch.load(io.BytesIO(saved), map_location=self.group.device, weights_only=True)
        self.step = state["step"]
        with torch.no_grad():
            for name, parameter in self.parameters.items():
                parameter.copy_(state["weights"][name])
        self.optimiser.load_state_dict(state["optimiser"])


def _numpy(tensor: Tensor) -> Any:
    return tensor.detach().cpu().numpy()
