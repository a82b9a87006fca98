"""V-trace as its paper has it."""

from __future__ import annotations

import numpy as np
import pytest
from generals_reference.policy import vtrace

RNG = np.random.default_rng(0)


def test_vtrace_is_the_sum_of_its_definition() -> None:
    """Remark 1 of the paper, term by term: v_s = V_s + sum gamma^(t-s) prod(c) delta_t."""
    steps, discount = 5, 0.9
    logp, acted = RNG.normal(-1, 0.5, (2, steps)), RNG.normal(-1, 0.5, (2, steps))
    reward, value = RNG.normal(size=(2, steps)), RNG.normal(size=(2, steps + 1))
    done = np.zeros((2, steps), bool)
    done[1, 2] = True
    aim = vtrace.targets(
        logp=logp, acted=acted, reward=reward, done=done, value=value, discount=discount
    )
    ratio = np.minimum(1, np.exp(logp - acted))
    for row in range(2):
        for start in range(steps):
            total, factor = value[row, start], 1.0
            for t in range(start, steps):
                going = discount * (not done[row, t])
                after = reward[row, t] + going * value[row, t + 1] - value[row, t]
                total += factor * ratio[row, t] * after
                factor *= going * ratio[row, t]
            assert aim.value[row, start] == pytest.approx(total)


def test_on_policy_vtrace_is_the_return() -> None:
    zeros = np.zeros((1, 3))
    aim = vtrace.targets(
        logp=zeros, acted=zeros, reward=np.array([[0, 0, 1.0]]),
        done=np.array([[False, False, True]]), value=RNG.normal(size=(1, 4)), discount=0.5,
    )  # fmt: skip
    assert aim.value[0] == pytest.approx([0.25, 0.5, 1.0])
