"""What ``register`` remembers: results that are awaited when a template looks at them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any

from provision.errors import Location, UsageError
from provision.tasks.outcome import Outcome
from provision.transport.result import Result

Values = Mapping[str, Any]
SKIPPED: Values = {"changed": False, "failed": False, "skipped": True}
_CHANGED = frozenset({"changed", "unknown"})
_FAILED = frozenset({"failed", "not_run", "cancelled"})


class NotKnownYetError(UsageError):
    """A plan cannot tell: it depends on what something reports that has only been planned."""


class _Values(Mapping[str, Any]):
    """Values that are made when first looked at."""

    @cached_property
    def _values(self) -> Values:
        return self._made()

    def _made(self) -> Values:
        raise NotImplementedError

    def __getitem__(self, name: str) -> Any:
        return self._values[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)


class Answer(_Values):
    """One result, with the keys that Ansible gives it.

    Args:
        result: what is known.
        planned_at: the task, where it was only planned; asking for what it did not report raises
            ``NotKnownYetError``.

    """

    def __init__(self, result: Result, planned_at: Location | None = None) -> None:
        self._result = result
        self._planned_at = planned_at if result.status in _CHANGED else None

    def _made(self) -> Values:
        return result_values(self._result)

    def __getitem__(self, name: str) -> Any:
        if name not in self._values and self._planned_at is not None:
            raise NotKnownYetError(
                f"{name!r} is known only when the task at {self._planned_at} has run",
                where=self._planned_at,
            )
        return self._values[name]


class Registered(_Values):
    """The result of something under way."""

    def __init__(self, outcome: Outcome, where: Location) -> None:
        self._outcome = outcome
        self._where = where

    def _made(self) -> Values:
        return Answer(self._outcome.wait(), self._where if self._outcome.planned else None)


class RegisteredParts(_Values):
    """The result of a task that consists of several resources: whether any of them changed."""

    def __init__(self, outcomes: Sequence[Outcome]) -> None:
        self._outcomes = outcomes

    def _made(self) -> Values:
        statuses = {outcome.wait().status for outcome in self._outcomes}
        return {
            "changed": bool(statuses & _CHANGED),
            "failed": bool(statuses & _FAILED),
            "skipped": False,
        }


class RegisteredItem(_Values):
    """A loop's result for one item."""

    def __init__(self, result: Values, loop_var: str, item: object) -> None:
        self._result = result
        self._more = {loop_var: item, "ansible_loop_var": loop_var}

    def _made(self) -> Values:
        return {**self._more, **{name: self._result[name] for name in self._result}}

    def __getitem__(self, name: str) -> Any:
        return self._more[name] if name in self._more else self._result[name]


class RegisteredLoop(_Values):
    """The results of a loop: ``results``, and whether any of them changed or failed."""

    def __init__(self, results: Sequence[Values]) -> None:
        self._results = list(results)

    def _made(self) -> Values:
        return {
            "results": self._results,
            "changed": any(result["changed"] for result in self._results),
            "failed": any(result["failed"] for result in self._results),
            "skipped": all(result["skipped"] for result in self._results),
        }


def result_values(result: Result) -> dict[str, Any]:
    """Return a result with Ansible's keys."""
    values: dict[str, Any] = {
        "changed": result.status in _CHANGED,
        "failed": result.status in _FAILED,
        "skipped": False,
        "msg": result.message,
        **result.data,
    }
    for stream in ("stdout", "stderr"):
        if stream in values:
            values[stream] = str(values[stream]).rstrip("\r\n")
            values[f"{stream}_lines"] = values[stream].splitlines()
    return values
