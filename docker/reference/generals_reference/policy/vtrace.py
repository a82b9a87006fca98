"""V-trace targets and advantages (Espeholt et al., 2018, IMPALA), for replayed experience."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


@dataclass(frozen=True)
class Targets:
    """What the learner aims at; arrays are [fragment, step]."""

    value: Array
    advantage: Array  # times the clipped importance ratio


def targets(
    *, logp: Array, acted: Array, reward: Array, done: Array, value: Array, discount: float
) -> Targets:
    """`logp` is the current policy's, `acted` the acting one's; `value` is [fragment, step + 1]."""
    ratio = np.minimum(1.0, np.exp(logp - acted))
    going = discount * (1.0 - done)
    now, after = value[:, :-1], value[:, 1:]
    delta = ratio * (reward + going * after - now)
    correction = np.zeros(len(value))
    corrections = np.zeros_like(value)
    for step in reversed(range(delta.shape[1])):
        correction = delta[:, step] + going[:, step] * ratio[:, step] * correction
        corrections[:, step] = correction
    aim = value + corrections
    advantage = ratio * (reward + going * aim[:, 1:] - now)
    return Targets(aim[:, :-1], advantage)
