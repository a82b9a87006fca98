"""What went wrong: each problem once, with the hosts that had it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from provision.engine.events import HostUnreachable, Status, TaskFinished, TaskStarted
from provision.report.html.checks import VERIFY
from provision.report.html.names import where
from provision.report.html.record import Record
from provision.report.text import clean, clean_lines

_FAILED = {Status.FAILED, Status.INTERRUPTED}


class Problem(NamedTuple):
    """A failure; ``expected``, ``found``, ``log`` and ``next`` are lines."""

    kind: str
    what: str
    phase: str
    message: str
    where: str
    hosts: Sequence[str]
    expected: Sequence[str] = ()
    found: Sequence[str] = ()
    log: Sequence[str] = ()
    next: Sequence[str] = ()


def problems(record: Record) -> list[Problem]:
    """Return a run's failures and lost hosts; failed checks have a place of their own."""
    found: dict[tuple[str, ...], tuple[Problem, list[str]]] = {}
    for task in record.tasks:
        if task.event.status in _FAILED and task.phase != VERIFY:
            _add(found, _failure(task.event, task.phase), task.event.host)
    for lost in record.lost:
        _add(found, _unreachable(lost.event, lost.phase), lost.event.host)
    for host, work in record.at_work.items() if record.finished is None else ():
        _add(found, _broken_off(work), host)
    return [
        problem._replace(hosts=hosts, where=where(hosts, record.hosts))
        for problem, hosts in found.values()
    ]


def _add(
    found: dict[tuple[str, ...], tuple[Problem, list[str]]], problem: Problem, host: str
) -> None:
    """Take a problem in; the first host's log stands for all that have the same."""
    key = (problem.kind, problem.what, problem.message, *problem.expected, *problem.found)
    hosts = found.setdefault(key, (problem, []))[1]
    if host not in hosts:
        hosts.append(host)


def _unreachable(event: HostUnreachable, phase: str) -> Problem:
    message = clean(event.message).removeprefix(f"host {event.host}: ")
    return Problem("unreachable", "unreachable", phase, message, "", [], next=_lines(event.hint))


def _failure(event: TaskFinished, phase: str) -> Problem:
    return Problem(
        event.status.value,
        clean(event.task),
        phase,
        clean(event.message),
        "",
        [],
        expected=_lines(event.expected),
        found=_lines(event.found),
        log=[line for entry in event.log for line in clean_lines(entry)],
        next=_lines(event.hint),
    )


def _broken_off(event: TaskStarted) -> Problem:
    """Return that a run which was killed was at work on something."""
    message = "the run broke off while this was at work; how it ended is not known"
    hint = [
        "run it again: what was done is kept",
        "provision status tells what runs where; provision rollback undoes what was switched",
    ]
    return Problem("broke off", clean(event.task), "", message, "", [], next=hint)


def _lines(text: str) -> list[str]:
    return clean_lines(text.strip())
