"""What a run amounts to: counts per host, and the exit code."""

from __future__ import annotations

import threading
from collections import defaultdict
from dataclasses import dataclass, field

from provision.engine.events import (
    Event,
    HostEvent,
    HostRecap,
    HostUnreachable,
    Status,
    TaskFinished,
)
from provision.errors import ExitCode

_COUNTED = {
    Status.OK: "ok",
    Status.IGNORED: "ok",
    Status.CHANGED: "changed",
    Status.UNKNOWN: "changed",
    Status.FAILED: "failed",
    Status.INTERRUPTED: "interrupted",
    Status.SKIPPED: "skipped",
}


@dataclass
class _Counts:
    first: float = 0.0
    last: float = 0.0
    by_name: dict[str, int] = field(default_factory=lambda: defaultdict(int))


class Tally:
    """Listens to a run's events and keeps each host's counts."""

    def __init__(self, hosts: tuple[str, ...] = ()) -> None:
        self._counts: dict[str, _Counts] = {host: _Counts() for host in hosts}
        self._lock = threading.Lock()

    def __call__(self, event: Event) -> None:
        """Take an event into account."""
        if not isinstance(event, HostEvent):
            return
        with self._lock:
            counts = self._counts.setdefault(event.host, _Counts())
            counts.first = counts.first or event.at
            counts.last = max(counts.last, event.at)
            if isinstance(event, HostUnreachable):
                counts.by_name["unreachable"] += 1
            elif isinstance(event, TaskFinished) and event.status in _COUNTED:
                counts.by_name[_COUNTED[event.status]] += 1

    @property
    def touched(self) -> bool:
        """Whether anything has happened on any host."""
        with self._lock:
            return any(counts.first for counts in self._counts.values())

    def recap(self) -> dict[str, HostRecap]:
        """Return each host's counts and the seconds between its first and last event."""
        with self._lock:
            return {
                host: HostRecap(**counts.by_name, seconds=max(0.0, counts.last - counts.first))
                for host, counts in self._counts.items()
            }

    def exit_code(self, *, check: bool = False) -> ExitCode:
        """Return what the run amounts to; a failure outweighs an unreachable host."""
        recaps = self.recap().values()
        if any(recap.failed or recap.interrupted for recap in recaps):
            return ExitCode.FAILED
        if any(recap.unreachable for recap in recaps):
            return ExitCode.UNREACHABLE
        if check and any(recap.changed for recap in recaps):
            return ExitCode.PENDING
        return ExitCode.OK
