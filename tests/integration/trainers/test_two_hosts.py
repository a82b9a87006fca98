"""Two trainers that torchrun joins: they learn as one, fall as one, and go on as one."""

from __future__ import annotations

from typing import Any

import pytest

from tests.integration.reference.machine import CHECKPOINTS, Machine, wait_for

pytestmark = pytest.mark.integration

Pair = tuple[Machine, Machine]


def step(machine: Machine) -> float:
    """The updates that a host's trainer has made; -1 while it is away."""
    return machine.metric("trainer", "generals_learner_step")


def told(machine: Machine, message: str) -> list[dict[str, Any]]:
    """The lines with this message that a trainer wrote; torchrun writes beside it, to stderr."""
    lines = machine.log("trainer", errors=False)
    return [line for line in lines if line["message"] == message]


def weights(machine: Machine) -> dict[int, str]:
    """Digest of a trainer's weights by step, as it told at each checkpoint."""
    return {line["step"]: line["weights"] for line in told(machine, "checkpoint")}


def go_on(pair: Pair, seconds: float) -> None:
    """Wait until both have learnt more than is saved now."""
    saved = pair[0].saved_step()
    for machine in pair:
        wait_for(lambda it=machine: step(it) > saved, seconds, f"{machine.name} learns on")


def test_both_learn_the_same(pair: Pair) -> None:
    for machine in pair:
        wait_for(lambda it=machine: len(weights(it)) >= 2, 240, f"checkpoints on {machine.name}")
    ours, theirs = map(weights, pair)
    both = ours.keys() & theirs.keys()
    assert len(both) >= 2
    assert [ours[at] for at in both] == [theirs[at] for at in both]
    assert len({ours[at] for at in both}) == len(both), "they change"


def test_one_of_them_writes_the_checkpoints(pair: Pair) -> None:
    leader, other = pair
    wait_for(lambda: leader.saved_step() > 0, 60, "a checkpoint")
    assert other.saved_step() == 0
    assert not other.sh(f"ls {CHECKPOINTS}/trainer 2>/dev/null || true")


@pytest.mark.parametrize("killed", [1, 0], ids=["the other", "the leader"])
def test_one_is_killed_and_both_go_on(pair: Pair, killed: int) -> None:
    go_on(pair, 120)
    before = [machine.restarts("trainer") for machine in pair]
    pair[killed].kill("trainer")
    for machine, count in zip(pair, before, strict=True):
        wait_for(
            lambda it=machine, old=count: it.restarts("trainer") > old,
            60,
            f"{machine.name} begins again",
        )
    go_on(pair, 180)
    assert told(pair[0], "training")[-1]["step"] > 0
    ours, theirs = map(weights, pair)
    assert all(ours[at] == theirs[at] for at in ours.keys() & theirs.keys())


def test_one_is_stopped_and_started_and_both_go_on(pair: Pair) -> None:
    other = pair[1]
    other.sh(f"docker restart --time 30 {other.container('trainer')}")
    go_on(pair, 180)
