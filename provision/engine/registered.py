"""What ``register`` remembers: results that are awaited when a template looks at them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any

from provision.tasks.outcome import Outcome
from provision.transport.channel import Result

_SKIPPED = {"changed": False, "failed": False, "skipped": True}


class Registered(Mapping[str, Any]):
    """The result of one task, with the keys that Ansible gives it."""

    def __init__(self, outcome: Outcome) -> None:
        self._outcome = outcome

    @cached_property
    def _values(self) -> dict[str, Any]:
        return result_values(self._outcome.wait())

    def __getitem__(self, name: str) -> Any:
        return self._values[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)


class RegisteredLoop(Mapping[str, Any]):
    """The results of a loop: ``results``, and whether any of them changed or failed."""

    def __init__(self, results: Sequence[Mapping[str, Any]]) -> None:
        self._results = list(results)

    def __getitem__(self, name: str) -> Any:
        if name == "results":
            return self._results
        if name in {"changed", "failed"}:
            return any(result[name] for result in self._results)
        if name == "skipped":
            return all(result.get("skipped", False) for result in self._results)
        raise KeyError(name)

    def __iter__(self) -> Iterator[str]:
        return iter(("results", "changed", "failed", "skipped"))

    def __len__(self) -> int:
        return 4


def skipped() -> dict[str, Any]:
    """Return what is registered for a task whose condition was false."""
    return dict(_SKIPPED)


def result_values(result: Result) -> dict[str, Any]:
    """Return a result with Ansible's keys."""
    values: dict[str, Any] = {
        "changed": result.status in {"changed", "unknown"},
        "failed": result.status in {"failed", "not_run", "cancelled"},
        "skipped": False,
        "msg": result.message,
        **result.data,
    }
    for stream in ("stdout", "stderr"):
        if stream in values:
            values[stream] = str(values[stream]).rstrip("\n")
            values[f"{stream}_lines"] = values[stream].splitlines()
    return values
