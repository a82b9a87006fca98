"""Processes that train together: one per GPU and host, joined as `torchrun` joins them."""

from __future__ import annotations

import importlib.util
import os
from datetime import timedelta
from typing import Protocol

from generals_reference.experience import Tensors
from generals_reference.policy import network
from generals_reference.policy.learner import Learner, Update
from generals_reference.policy.network import Floats
from generals_reference.settings import Settings, SettingsError

PATIENCE = timedelta(minutes=2)  # with the others; then this process ends and is started anew


class AnyLearner(Protocol):
    """What the trainer needs of a learner."""

    step: int

    @property
    def weights(self) -> network.Weights:
        """The weights as they are now."""

    def update(self, batch: list[Tensors], importance: Floats) -> Update:
        """One gradient step."""

    def to_bytes(self) -> bytes:
        """A checkpoint."""


class Alone:
    """A single process, learning with NumPy."""

    leads = True

    def learner(self, start: Learner) -> AnyLearner:
        return start

    def all(self, ready: bool) -> bool:
        """Whether every process is ready."""
        return ready

    def leave(self) -> None:
        """Nobody to take leave of."""


class Group:
    """One of the processes of a PyTorch process group, or the only one (see `torchrun`)."""

    def __init__(self, size: int) -> None:
        import torch
        import torch.distributed as dist

        self.torch, self.dist, self.size = torch, dist, size
        if torch.cuda.is_available():  # `torchrun` numbers the processes of a host
            torch.cuda.set_device(int(os.environ.get("LOCAL_RANK", "0")))
        if size > 1:
            os.environ.setdefault("USE_LIBUV", "0")  # Debian's PyTorch is built without it
            backend = "nccl" if torch.cuda.is_available() else "gloo"
            dist.init_process_group(backend, timeout=PATIENCE)
        self.leads = size == 1 or dist.get_rank() == 0

    def learner(self, start: Learner) -> AnyLearner:
        from generals_reference.policy.torch_learner import TorchLearner

        if self.size > 1:  # all begin where the first one stopped, optimiser and all
            states = [start.to_bytes()]
            self.dist.broadcast_object_list(states, src=0)
            start = Learner.from_bytes(states[0])
        return TorchLearner(start)

    def all(self, ready: bool) -> bool:
        if self.size == 1:
            return ready
        device = "cuda" if self.torch.cuda.is_available() else "cpu"
        flag = self.torch.tensor(int(ready), device=device)
        self.dist.all_reduce(flag, self.dist.ReduceOp.MIN)
        return bool(flag.item())

    def leave(self) -> None:
        if self.size > 1:
            self.dist.destroy_process_group()


def join(settings: Settings) -> Alone | Group:
    """The processes to train with: WORLD_SIZE of them; TRAINER_BACKEND says with what."""
    environment = settings.environment
    size = environment.integer("WORLD_SIZE", 1, 1, 100_000)
    backend = environment.choice("TRAINER_BACKEND", "auto", ("auto", "numpy", "torch"))
    there = importlib.util.find_spec("torch") is not None
    if backend == "torch" and not there:
        raise SettingsError("TRAINER_BACKEND=torch, but this image has no PyTorch")
    if size > 1 and (backend == "numpy" or not there):
        raise SettingsError(f"WORLD_SIZE={size} processes can only train together with PyTorch")
    return Group(size) if there and backend != "numpy" else Alone()
