"""Waiting for the training to come as far as somebody wants to see it."""

from __future__ import annotations

import operator
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from provision.engine.status.training import MEASURES, Training
from provision.errors import UsageError, did_you_mean

_CONDITION = re.compile(r"\s*(\w+)\s*(>=|<=|>|<)\s*(\d+(?:\.\d+)?)\s*(%?)\s*")
_COMPARE: Mapping[str, Callable[[float, float], bool]] = {
    ">": operator.gt,
    ">=": operator.ge,
    "<": operator.lt,
    "<=": operator.le,
}


@dataclass(frozen=True)
class Condition:
    """Something to wait for, such as ``win_rate>0.8``."""

    measure: str
    comparison: str
    value: float

    def holds(self, training: Training) -> bool:
        """Tell whether it is so; what nobody knows yet is not."""
        found = training.values.get(self.measure)
        return found is not None and _COMPARE[self.comparison](found, self.value)


def parse_condition(text: str) -> Condition:
    """Return the condition that ``NAME>VALUE`` says; the value may be a percentage.

    Raises:
        UsageError: it cannot be meant.

    """
    match = _CONDITION.fullmatch(text)
    if match is None:
        raise UsageError(f"{text!r} is no condition", hint="write one such as 'win_rate>0.8'")
    name, comparison, number, percent = match.groups()
    known = [measure.name for measure in MEASURES]
    if name not in known:
        raise UsageError(f"there is no measure {name!r}", hint=did_you_mean(name, known))
    return Condition(name, comparison, float(number) / (100 if percent else 1))


@dataclass(frozen=True)
class Waiting:
    """What to wait for, all of it, and for how long: seconds, and seconds between two looks."""

    conditions: tuple[Condition, ...] = ()
    timeout: float = 600
    interval: float = 10

    def until_it_holds(
        self, look: Callable[[], Training], show: Callable[[Training, float], None]
    ) -> bool:
        """Look again and again until all conditions hold; return whether they did in time.

        Args:
            look: asks how the training goes.
            show: is given every answer, and the seconds since the beginning.

        """
        started = time.monotonic()
        while True:
            training = look()
            passed = time.monotonic() - started
            show(training, passed)
            if all(condition.holds(training) for condition in self.conditions):
                return True
            if passed + self.interval > self.timeout:
                return False
            time.sleep(self.interval)
