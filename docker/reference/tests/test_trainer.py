"""The trainer's own decisions, and its checkpoints: the newest whole one counts."""

from __future__ import annotations

from pathlib import Path

from generals_reference.checkpoints import Checkpoints
from generals_reference.trainer import alike
from samples import tensors


def test_the_newest_checkpoint_is_resumed(tmp_path: Path) -> None:
    checkpoints = Checkpoints(tmp_path)
    assert checkpoints.newest() is None
    for step in (9, 10, 100):
        checkpoints.save(step, f"state {step}".encode())
    assert Checkpoints(tmp_path).newest() == b"state 100"


def test_old_checkpoints_go(tmp_path: Path) -> None:
    checkpoints = Checkpoints(tmp_path, keep=2)
    for step in range(5):
        checkpoints.save(step, b"x")
    assert [path.name for path in checkpoints.paths] == [
        "step-000000000003.ckpt",
        "step-000000000004.ckpt",
    ]


def test_a_damaged_checkpoint_is_passed_over(tmp_path: Path) -> None:
    checkpoints = Checkpoints(tmp_path)
    checkpoints.save(1, b"good")
    path = checkpoints.save(2, b"better")
    path.write_bytes(path.read_bytes()[:-1])
    (tmp_path / ".step-000000000003.ckpt.7").write_bytes(b"never finished")
    assert checkpoints.newest() == b"good"


def test_fragments_of_one_batch_are_alike() -> None:
    batch = [tensors(side=4), tensors(side=5), tensors(side=5), tensors(side=5, steps=3)]
    assert alike(batch) == [1, 2]
