"""The learner: that it computes what the actors play, that it learns, alone and with others."""

from __future__ import annotations

import multiprocessing
import os
from pathlib import Path

import numpy as np
import pytest
from conftest import free_port
from samples import tensors

pytest.importorskip("torch", reason="PyTorch is not installed: it is in the trainer's image")

from generals_reference.experience import Tensors
from generals_reference.policy import features, network
from generals_reference.policy.learner import Group, Learner, Update

RNG = np.random.default_rng(0)
BATCH = [tensors(seed) for seed in range(8)]
ALIKE = np.ones(8, np.float32)


@pytest.fixture
def learner() -> Learner:
    return Learner(Group())


def observed(batch: list[Tensors]) -> Tensors:
    names = ("army", "owner", "terrain", "score", "tick")
    return {name: np.concatenate([item[name] for item in batch]) for name in names}


def close(one: network.Weights, other: network.Weights) -> bool:
    """Nearly: Adam makes much of the last digits of small gradients."""
    return all(np.allclose(one[name], other[name], atol=5e-4) for name in network.SHAPES)


def test_it_computes_what_the_actors_play(learner: Learner) -> None:
    for _ in range(5):
        learner.update(BATCH, ALIKE)
    view = observed(BATCH)
    planes, legal = features.planes(view), features.legal(view)
    played = network.forward(learner.weights, planes, legal)
    learnt = learner.forward(planes, legal)
    for ours, theirs in zip(played, learnt, strict=True):
        assert np.allclose(ours, theirs.detach().numpy(), atol=1e-4)


def test_updates_make_rewarded_moves_likelier(learner: Learner) -> None:
    batch = [dict(item) for item in BATCH]
    for item in batch:
        item["reward"] = np.where(item["action"] == 2, 1, -1).astype(np.float32)
        item["logp"] = np.full(4, -1.0, np.float32)

    def likelihood() -> float:
        view = observed(batch[:1])
        logits, _ = network.forward(learner.weights, features.planes(view), features.legal(view))
        return float(network.log_softmax(logits)[0, 2])

    before = likelihood()
    for _ in range(60):
        learner.update(batch, ALIKE)
    assert likelihood() > before + 0.5


def passes(count: int) -> list[Tensors]:
    """Fragments without a choice, each move rewarded with 0.5."""
    still = {"action": np.full(4, -1, np.int32), "logp": np.zeros(4, np.float32)}
    reward = {"reward": np.full(4, 0.5, np.float32)}
    return [tensors(seed) | still | reward for seed in range(count)]


def test_values_come_near_the_returns(learner: Learner) -> None:
    losses = [learner.update(passes(8), ALIKE).value_loss for _ in range(200)]
    assert losses[-1] < losses[0] / 10


def test_a_pass_teaches_nothing_about_moves(learner: Learner) -> None:
    update = learner.update(passes(8), ALIKE)
    assert not learner.parameters["policy.weight"].grad.any()
    assert learner.parameters["value.weight"].grad.any()
    assert update.policy_loss == 0


def test_what_is_less_important_teaches_less(learner: Learner) -> None:
    def first_loss(importance: float) -> Update:
        return Learner(Group()).update(BATCH, ALIKE * np.float32(importance))

    assert first_loss(0.5).loss == pytest.approx(first_loss(1).loss / 2, abs=1e-6)


def test_a_restored_learner_goes_on_as_if_nothing_had_been(learner: Learner) -> None:
    for _ in range(3):
        learner.update(BATCH, ALIKE)
    other = Learner(Group(), learner.to_bytes())
    for _ in range(3):
        learner.update(BATCH, ALIKE)
        other.update(BATCH, ALIKE)
    assert other.step == learner.step == 6
    for name, array in learner.weights.items():
        assert np.array_equal(array, other.weights[name]), name


def work(rank: int, port: int, folder: str) -> None:
    """One of two processes, each with half of the batch."""
    os.environ |= {"RANK": str(rank), "WORLD_SIZE": "2", "OMP_NUM_THREADS": "1"}
    os.environ |= {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
    group = Group()
    start = Path(folder, "start").read_bytes()
    learner = Learner(group, start if rank == 0 else None)  # the first one's counts
    assert group.leads == (rank == 0)
    assert group.all(True)
    assert not group.all(rank == 0)
    half = slice(rank * 4, rank * 4 + 4)
    for _ in range(3):
        learner.update(BATCH[half], np.ones(4, np.float32))
    assert learner.step == 5
    Path(folder, f"{rank}.npz").write_bytes(network.to_bytes(learner.weights))
    group.leave()


def test_two_processes_learn_as_one(tmp_path: Path, learner: Learner) -> None:
    for _ in range(2):
        learner.update(BATCH, ALIKE)
    (tmp_path / "start").write_bytes(learner.to_bytes())
    start, port = multiprocessing.get_context("spawn"), free_port()
    processes = [start.Process(target=work, args=(rank, port, str(tmp_path))) for rank in (0, 1)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(timeout=60)
        assert process.exitcode == 0
    for _ in range(3):
        learner.update(BATCH, ALIKE)
    ended = [network.from_bytes((tmp_path / f"{rank}.npz").read_bytes()) for rank in (0, 1)]
    assert network.to_bytes(ended[0]) == network.to_bytes(ended[1])
    assert close(ended[0], learner.weights)
