"""The PyTorch learner does what the NumPy one does. Skipped where PyTorch is not installed."""

from __future__ import annotations

import multiprocessing
import os
from pathlib import Path

import numpy as np
import pytest
from conftest import free_port
from samples import tensors

pytest.importorskip("torch", reason="PyTorch is not installed (it is in the trainer's image)")

from generals_reference.policy import network
from generals_reference.policy.learner import Learner
from generals_reference.policy.torch_learner import TorchLearner
from generals_reference.policy.workers import Group

BATCH = [tensors(seed) for seed in range(4)]
IMPORTANCE = np.array([1, 0.5, 0.2, 1], np.float32)


def close(one: network.Weights, other: network.Weights) -> bool:
    """Nearly: Adam makes much of the last digits of small gradients."""
    return all(np.allclose(one[name], other[name], atol=5e-4) for name in network.SHAPES)


def test_updates_are_the_same() -> None:
    ours, theirs = Learner(network.initial()), TorchLearner(Learner(network.initial()))
    for _ in range(10):
        one, other = ours.update(BATCH, IMPORTANCE), theirs.update(BATCH, IMPORTANCE)
        for name in ("loss", "policy_loss", "value_loss", "entropy"):
            assert getattr(one, name) == pytest.approx(getattr(other, name), abs=1e-4), name
        assert np.allclose(one.surprise, other.surprise, atol=1e-4)
    assert close(ours.weights, theirs.weights)


def test_either_goes_on_where_the_other_stopped() -> None:
    ours = Learner(network.initial())
    for _ in range(3):
        ours.update(BATCH, IMPORTANCE)
    theirs = TorchLearner(Learner.from_bytes(ours.to_bytes()))
    theirs.update(BATCH, IMPORTANCE)
    again = Learner.from_bytes(theirs.to_bytes())
    again.update(BATCH, IMPORTANCE)
    for _ in range(2):
        ours.update(BATCH, IMPORTANCE)
    assert again.step == ours.step == 5
    assert close(ours.weights, again.weights)


def work(rank: int, port: int, folder: str) -> None:
    """One of two processes, each with half of the batch."""
    os.environ |= {"RANK": str(rank), "WORLD_SIZE": "2"}
    os.environ |= {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
    group = Group(2)
    learner = group.learner(Learner(network.initial(seed=rank)))  # the first one's weights count
    assert group.leads == (rank == 0)
    assert group.all(True) and not group.all(rank == 0)
    half = slice(rank * 2, rank * 2 + 2)
    for _ in range(3):
        learner.update(BATCH[half], np.ones(2, np.float32))
    Path(folder, f"{rank}.npz").write_bytes(network.to_bytes(learner.weights))
    group.leave()


def test_two_processes_learn_as_one(tmp_path: Path) -> None:
    start, port = multiprocessing.get_context("spawn"), free_port()
    processes = [start.Process(target=work, args=(rank, port, str(tmp_path))) for rank in (0, 1)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(timeout=60)
        assert process.exitcode == 0
    alone = Learner(network.initial(seed=0))
    for _ in range(3):
        alone.update(BATCH, np.ones(4, np.float32))
    for rank in (0, 1):
        assert close(network.from_bytes((tmp_path / f"{rank}.npz").read_bytes()), alone.weights)
