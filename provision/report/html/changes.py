"""What changed where: each change once, with the hosts that it was made on."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from provision.engine.events import Status
from provision.report.change import sign_of
from provision.report.html.names import in_order, where
from provision.report.html.record import Record, Task
from provision.report.text import clean, clean_lines

_MOST_VARIANTS = 12  # of one change, shown in full: a fleet's differ in an address at most
_MOST_LINES = 400  # of one diff
_MOST_TEXT = 600_000  # characters of diffs on a page, so that a browser opens it at once
_ID = re.compile(r"\b[0-9a-f]{12}\b")  # of a release or a mounted file: hosts have their own
_LOOKS = {"+": "add", "-": "del", "~": "chg", "@": "at"}


class DiffLine(NamedTuple):
    """A line of a diff; ``look`` is a class of the page's style."""

    look: str
    text: str


class Variant(NamedTuple):
    """A change as it was made on some hosts."""

    message: str
    diff: Sequence[DiffLine]
    left_out: str
    where: str
    hosts: Sequence[str]


class Change(NamedTuple):
    """A change, on however many hosts; ``unseen`` counts variants that are not shown."""

    sign: str
    task: str
    phase: str
    where: str
    hosts: Sequence[str]
    variants: Sequence[Variant]
    unseen: int


class PhaseChanges(NamedTuple):
    """The changes of one phase."""

    phase: str
    number: int
    changes: Sequence[Change]


def changes(record: Record) -> list[PhaseChanges]:
    """Return the changes of a run, phase by phase, in the order of their first host."""
    budget = _Budget(_MOST_TEXT)
    found: dict[str, dict[str, list[Task]]] = {}
    for task in record.changes:
        by_task = found.setdefault(task.phase, {})
        by_task.setdefault(_ID.sub("…", clean(task.event.task)), []).append(task)
    return [
        PhaseChanges(
            phase,
            sum(map(len, by_task.values())),
            [_change(name, tasks, record.hosts, budget) for name, tasks in by_task.items()],
        )
        for phase, by_task in found.items()
    ]


class _Budget:
    """How much text of diffs a page still takes."""

    def __init__(self, left: int) -> None:
        self._left = left

    def take(self, size: int) -> bool:
        """Spend ``size``, if that is left."""
        if size > self._left:
            return False
        self._left -= size
        return True


def _change(name: str, tasks: list[Task], order: Sequence[str], budget: _Budget) -> Change:
    by_content: dict[tuple[str, str], list[Task]] = {}
    for task in tasks:
        by_content.setdefault((task.event.message, task.event.diff), []).append(task)
    kept = list(by_content.values())[:_MOST_VARIANTS]
    hosts = in_order((task.event.host for task in tasks), order)
    one = clean(tasks[0].event.task)
    is_one = all(clean(task.event.task) == one for task in tasks)
    return Change(
        sign_of(tasks[0].event).value,
        one if is_one else name,
        tasks[0].phase,
        where(hosts, order),
        hosts,
        [_variant(same, order, budget) for same in kept],
        len(by_content) - len(kept),
    )


def _variant(tasks: Sequence[Task], order: Sequence[str], budget: _Budget) -> Variant:
    event, hosts = tasks[0].event, in_order((task.event.host for task in tasks), order)
    message = clean(event.message)
    if event.status is Status.UNKNOWN and not message:
        message = "unknown until applied"
    lines, left_out = clean_lines(event.diff), ""
    if len(lines) > _MOST_LINES:
        left_out = f"{len(lines) - _MOST_LINES} more lines are in the log of the run"
        lines = lines[:_MOST_LINES]
    if not budget.take(sum(map(len, lines))):
        lines, left_out = [], "this diff is in the log of the run: the page would be too long"
    shown = [DiffLine(_look(line), line) for line in lines]
    return Variant(message, shown, left_out, where(hosts, order), hosts)


def _look(line: str) -> str:
    if line.startswith(("+++", "---")):
        return "file"
    return _LOOKS.get(line[:1], "")
