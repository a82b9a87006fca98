"""What a page is made of: the events of a run, each task with its phase and its time."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import NamedTuple

from provision.engine.events import (
    Event,
    HostDescribed,
    HostEvent,
    HostRecap,
    HostReleased,
    HostUnreachable,
    PhaseFinished,
    PhaseStarted,
    RunFinished,
    RunStarted,
    Status,
    TaskFinished,
    TaskOutput,
    TaskProgress,
    TaskStarted,
)
from provision.engine.recap import Tally
from provision.report.phases import Phases


class Task(NamedTuple):
    """A task that ended on a host: in which phase, and when it began (Unix seconds)."""

    phase: str
    began: float
    event: TaskFinished


class Lost(NamedTuple):
    """A host that could not be reached, or not any more."""

    phase: str
    event: HostUnreachable


@dataclass(frozen=True)
class Span:
    """A phase; ``ended`` is None where the run broke off in it."""

    name: str
    began: float
    ended: float | None = None
    ok: bool = False
    summary: str = ""


class Record:
    """Listens to one run. What programs printed is dropped at once, so it stays small.

    Its parts are in the order in which they happened; times are Unix seconds.
    """

    def __init__(self) -> None:
        self.started = RunStarted(at=0.0, run="", command="", hosts=())
        self.finished: RunFinished | None = None
        self.last = 0.0
        self.phases: list[Span] = []
        self.tasks: list[Task] = []
        self.lost: list[Lost] = []
        self.at_work: dict[str, TaskStarted] = {}
        self.described: dict[str, HostDescribed] = {}
        self.released: dict[tuple[str, str], HostReleased] = {}
        self._phases = Phases()
        self._tally = Tally()

    def __call__(self, event: Event) -> None:
        """Take an event into account."""
        self.last = max(self.last, event.at)
        if isinstance(event, TaskOutput | TaskProgress):
            return
        self._phases.see(event)
        self._tally(event)
        match event:
            case RunStarted():
                self.started = event
                self._tally = Tally(event.hosts)
            case RunFinished():
                self.finished = event
            case PhaseStarted():
                self.phases.append(Span(event.phase, event.at))
            case PhaseFinished():
                self._end_phase(event)
            case HostEvent():
                self._see_host(event)

    def _end_phase(self, event: PhaseFinished) -> None:
        for place, span in enumerate(self.phases):
            if span.name == event.phase and span.ended is None:
                self.phases[place] = replace(
                    span, ended=event.at, ok=event.ok, summary=event.summary
                )

    def _see_host(self, event: HostEvent) -> None:
        match event:
            case TaskStarted():
                self.at_work[event.host] = event
            case TaskFinished():
                self.tasks.append(Task(self._phases.of(event.host), self._beginning(event), event))
            case HostUnreachable():
                self.at_work.pop(event.host, None)
                self.lost.append(Lost(self._phases.of(event.host), event))
            case HostDescribed():
                self.described[event.host] = event
            case HostReleased():
                self._see_release(event)

    def _beginning(self, event: TaskFinished) -> float:
        started = self.at_work.get(event.host)
        if started is None or started.task != event.task:
            return event.at - event.seconds
        del self.at_work[event.host]
        return started.at

    def _see_release(self, event: HostReleased) -> None:
        """Keep what is so in the end, and what was so before the run; an undo is such an end."""
        key = (event.host, event.role)
        first = self.released.get(key, event)
        self.released[key] = replace(event, replaced=first.replaced)

    @property
    def hosts(self) -> tuple[str, ...]:
        """The hosts of the run, in the order of the inventory."""
        return self.started.hosts

    @property
    def seconds(self) -> float:
        """How long it took, as far as is known."""
        return self.finished.seconds if self.finished else max(0.0, self.last - self.started.at)

    @property
    def recap(self) -> Mapping[str, HostRecap]:
        """Each host's counts; those of a run that broke off are counted here."""
        return self.finished.recap if self.finished else self._tally.recap()

    @property
    def changes(self) -> list[Task]:
        """The tasks that changed something, or would."""
        return [it for it in self.tasks if it.event.status in (Status.CHANGED, Status.UNKNOWN)]


def record_of(events: Iterable[Event]) -> Record:
    """Return the record of a run's events."""
    record = Record()
    for event in events:
        record(event)
    return record
