"""What was verified: suites, their checks, and on which hosts each one passed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from provision.engine.events import Status, TaskFinished
from provision.report.html.names import where
from provision.report.html.record import Record
from provision.report.text import clean, clean_lines

VERIFY = "verify"  # the phase of the checks


class Miss(NamedTuple):
    """Why a check failed on some hosts."""

    message: str
    expected: Sequence[str]
    found: Sequence[str]
    log: Sequence[str]
    next: Sequence[str]
    where: str
    hosts: Sequence[str]


class Check(NamedTuple):
    """One check on all hosts that have what it is about."""

    name: str
    passed: int
    skipped: int
    misses: Sequence[Miss]


class Suite(NamedTuple):
    """Checks of one subject."""

    name: str
    passed: int
    failed: int
    skipped: int
    checks: Sequence[Check]


def suites(record: Record) -> list[Suite]:
    """Return the checks of a run; suites with failures come first."""
    found: dict[str, dict[str, list[TaskFinished]]] = {}
    for task in record.tasks:
        suite, separator, name = clean(task.event.task).partition(": ")
        if task.phase == VERIFY and separator:
            found.setdefault(suite, {}).setdefault(name, []).append(task.event)
    made = [_suite(name, checks, record.hosts) for name, checks in found.items()]
    return sorted(made, key=lambda suite: (not suite.failed, suite.name))


def _suite(name: str, found: dict[str, list[TaskFinished]], order: Sequence[str]) -> Suite:
    checks = [_check(each, events, order) for each, events in found.items()]
    checks.sort(key=lambda check: not check.misses)
    events = [event for each in found.values() for event in each]
    return Suite(
        name,
        _count(events, Status.OK),
        _count(events, Status.FAILED),
        _count(events, Status.SKIPPED),
        checks,
    )


def _check(name: str, events: Sequence[TaskFinished], order: Sequence[str]) -> Check:
    by_reason: dict[tuple[str, str, str], list[TaskFinished]] = {}
    for event in events:
        if event.status is Status.FAILED:
            reason = (event.message, event.expected, event.found)
            by_reason.setdefault(reason, []).append(event)
    misses = [_miss(same, order) for same in by_reason.values()]
    return Check(name, _count(events, Status.OK), _count(events, Status.SKIPPED), misses)


def _miss(events: Sequence[TaskFinished], order: Sequence[str]) -> Miss:
    first = events[0]
    hosts = [event.host for event in events]
    return Miss(
        clean(first.message),
        clean_lines(first.expected),
        clean_lines(first.found),
        [line for entry in first.log for line in clean_lines(entry)],
        clean_lines(first.hint),
        where(hosts, order),
        hosts,
    )


def _count(events: Sequence[TaskFinished], status: Status) -> int:
    return sum(event.status is status for event in events)
