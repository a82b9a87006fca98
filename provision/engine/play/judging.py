"""``changed_when``, ``failed_when``, ``until``: what a playbook makes of a result."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from provision.engine.play.registered import Answer
from provision.engine.play.variables import HostVariables
from provision.playbook.model import TaskEntry
from provision.templating import Templater
from provision.transport.result import Result

_FINAL = frozenset({"not_run", "cancelled"})  # no condition can make these anything else
_RETRIES = 3  # Ansible's, where `until` is given alone


def is_judged(entry: TaskEntry) -> bool:
    """Tell whether an entry has conditions on its result, so that the result must be awaited."""
    conditions = (entry.changed_when, entry.failed_when, entry.until, entry.retries)
    return any(condition is not None for condition in conditions)


@dataclass(frozen=True)
class Judge:
    """Applies the conditions of one entry, in Ansible's order.

    Args:
        entry: whose they are.
        variables: of the host, with the loop's item.
        search: directories for lookups.
        planned: the result is that of check mode.

    """

    entry: TaskEntry
    variables: HostVariables
    search: tuple[Path, ...]
    planned: bool

    @property
    def attempts(self) -> int:
        """How often the entry is tried at most."""
        retries = self.entry.retries
        if retries is None:
            return 1 if self.entry.until is None else 1 + _RETRIES
        return 1 + max(0, int(str(self._templater({}).render(retries))))

    @property
    def delay(self) -> float:
        """Seconds between two attempts."""
        return float(str(self._templater({}).render(self.entry.delay)))

    def verdict(self, result: Result) -> Result:
        """Return the result as ``changed_when`` and ``failed_when`` want it to be."""
        if result.status in _FINAL or result.status == "skipped":
            return result
        where = self.entry.where
        failed, changed = result.status == "failed", result.status in {"changed", "unknown"}
        if failed and "rc" in result.data:
            changed = True  # a program was run, whatever came of it
        if self.entry.changed_when is not None:
            changed = self._knowing(result).test(self.entry.changed_when, where)
        if self.entry.failed_when is not None:
            known = replace(result, data={**result.data, "changed": changed})
            failed = self._knowing(known).test(self.entry.failed_when, where)
        if failed:
            message = result.message or f"failed_when: {self.entry.failed_when}"
            return replace(result, status="failed", message=message)
        if result.status == "unknown" and changed:
            return result
        return replace(result, status="changed" if changed else "ok")

    def is_done(self, result: Result) -> bool:
        """Tell whether no further attempt is needed."""
        if result.status in _FINAL or self.attempts == 1:
            return True
        if self.entry.until is None:
            return result.status != "failed"
        return self._knowing(result).test(self.entry.until, self.entry.where)

    def exhausted(self, result: Result) -> Result:
        """Return the result of the last attempt, which has failed whatever it says itself."""
        message = result.message
        if result.status != "failed":
            message = f"not so after {self.attempts} attempts: {self.entry.until}"
        return replace(result, status="failed", message=message)

    def _knowing(self, result: Result) -> Templater:
        """Return a templater that knows the result by the name that it will be registered as."""
        if self.entry.register is None:
            return self._templater({})
        answer = Answer(result, self.entry.where if self.planned else None)
        return self._templater({self.entry.register: answer})

    def _templater(self, current: Mapping[str, Any]) -> Templater:
        return Templater(self.variables.with_current(current), search=self.search)


def merged(results: Sequence[Result]) -> Result:
    """Return one result for the parts of an entry: the worst status, all changes."""
    if len(results) == 1:
        return results[0]
    worst = max(results, key=lambda result: _ORDER.index(result.status), default=Result("ok"))
    return replace(worst, changes={}, seconds=sum(result.seconds for result in results))


_ORDER = ("ok", "skipped", "changed", "unknown", "not_run", "failed", "cancelled")
