"""Who is doing what right now: the moving part of a run."""

from __future__ import annotations

from dataclasses import dataclass

from provision.engine.events import (
    Event,
    HostUnreachable,
    RunStarted,
    Status,
    TaskFinished,
    TaskOutput,
    TaskProgress,
    TaskStarted,
)
from provision.report.phases import Phases
from provision.report.text import clean_lines

# A host between two quick tasks keeps its line for so many seconds: the view must not flicker.
_LINGER = 0.6


@dataclass
class Work:
    """What one host works on; ``ended`` is when it stopped, if it has."""

    host: str
    task: str
    since: float
    detail: str = ""
    progress: TaskProgress | None = None
    ended: float | None = None


class Activity:
    """Follows a run and knows its present state; times are Unix seconds, as in the events."""

    def __init__(self) -> None:
        self.phases = Phases()
        self.started = 0.0
        self.changed = 0
        self.failed = 0
        self.check = False
        self._order: dict[str, int] = {}
        self._work: dict[str, Work] = {}

    def see(self, event: Event) -> None:
        """Take an event into account."""
        self.started = self.started or event.at
        self.phases.see(event)
        match event:
            case RunStarted():
                self.check = event.check
                self._order = {host: number for number, host in enumerate(event.hosts)}
            case TaskStarted():
                self._work[event.host] = Work(event.host, event.task, event.at)
            case TaskProgress():
                self._current(event).progress = event
            case TaskOutput():
                self._current(event).detail = next(reversed(clean_lines(event.text)), "")
            case TaskFinished():
                self._finish(event)
            case HostUnreachable():
                self.failed += 1
                self._work.pop(event.host, None)

    def _current(self, event: TaskProgress | TaskOutput) -> Work:
        work = self._work.get(event.host)
        if work is None or work.task != event.task:
            work = self._work[event.host] = Work(event.host, event.task, event.at)
        return work

    def _finish(self, event: TaskFinished) -> None:
        self.changed += event.status is Status.CHANGED
        self.failed += event.status is Status.FAILED
        work = self._work.get(event.host)
        if work is not None and work.task == event.task:
            work.ended = event.at

    def at_work(self, now: float) -> list[Work]:
        """Return the busy hosts, in the order of the inventory."""
        busy = [
            work for work in self._work.values() if work.ended is None or now - work.ended < _LINGER
        ]
        return sorted(busy, key=lambda work: self._order.get(work.host, len(self._order)))
