"""The run in one sentence and a few numbers."""

from __future__ import annotations

from typing import NamedTuple

from provision.engine.events import Status
from provision.errors import ExitCode
from provision.report.html.checks import VERIFY
from provision.report.html.record import Record
from provision.report.recap import trouble
from provision.report.text import counted

_WORDS = {
    ExitCode.OK: ("ok", "succeeded"),
    ExitCode.USAGE: ("failed", "was refused"),
    ExitCode.PENDING: ("changed", "found changes to make"),
    ExitCode.FAILED: ("failed", "failed"),
    ExitCode.UNREACHABLE: ("failed", "could not reach every host"),
    ExitCode.UNVERIFIED: ("failed", "is not verified"),
    ExitCode.INTERRUPTED: ("failed", "was interrupted"),
}
_BROKE_OFF = ("failed", "broke off without an end")


class Number(NamedTuple):
    """A number that tells how it went; ``kind`` gives its colour."""

    value: str
    name: str
    kind: str = ""


class Verdict(NamedTuple):
    """How a run ended."""

    kind: str
    words: str
    sentence: str
    numbers: list[Number]


def verdict(record: Record) -> Verdict:
    """Return how a run ended."""
    kind, words = _BROKE_OFF
    if record.finished is not None:
        kind, words = _WORDS.get(ExitCode(record.finished.exit_code), _BROKE_OFF)
    return Verdict(kind, words, _sentence(record), _numbers(record))


def _sentence(record: Record) -> str:
    changed = {task.event.host for task in record.changes}
    hosts = counted(len(record.hosts), "host")
    if not changed:
        return f"{hosts}, nothing {'to change' if record.started.check else 'was changed'}"
    would = "to make" if record.started.check else "made"
    return f"{counted(len(record.changes), 'change')} {would} on {len(changed)} of {hosts}"


def _numbers(record: Record) -> list[Number]:
    rows = record.recap.values()
    failed = sum(trouble(row) == "FAILED" for row in rows)
    lost = sum(trouble(row) == "UNREACHABLE" for row in rows)
    changes = len(record.changes)
    return [
        _counted(len(record.hosts), "host"),
        _counted(changes, "change", "changed" if changes else ""),
        *([Number(str(failed), "failed", "failed")] if failed else []),
        *([Number(str(lost), "unreachable", "failed")] if lost else []),
        *_checks(record),
    ]


def _counted(number: int, noun: str, kind: str = "") -> Number:
    value, name = counted(number, noun).split(" ")
    return Number(value, name, kind)


def _checks(record: Record) -> list[Number]:
    outcomes = [task.event.status for task in record.tasks if task.phase == VERIFY]
    passed = outcomes.count(Status.OK)
    total = passed + outcomes.count(Status.FAILED)
    if not total:
        return []
    return [Number(f"{passed}/{total}", "checks passed", "ok" if passed == total else "failed")]
