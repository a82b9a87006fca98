"""Which phases are running, and which one a host is in."""

from __future__ import annotations

from dataclasses import dataclass

from provision.engine.events import Event, PhaseFinished, PhaseStarted


@dataclass(frozen=True)
class Phase:
    """A running phase; without ``hosts`` it concerns every host, or none in particular."""

    name: str
    since: float
    hosts: frozenset[str]


class Phases:
    """The phases that are running now, in the order of their start."""

    def __init__(self) -> None:
        self._running: dict[str, Phase] = {}

    def see(self, event: Event) -> None:
        """Take note of a start or an end."""
        if isinstance(event, PhaseStarted):
            self._running[event.phase] = Phase(event.phase, event.at, frozenset(event.hosts))
        elif isinstance(event, PhaseFinished):
            self._running.pop(event.phase, None)

    def running(self) -> list[Phase]:
        """Return the phases that have not ended."""
        return list(self._running.values())

    def of(self, host: str) -> str:
        """Return the name of the phase that ``host`` entered last, or nothing."""
        for phase in reversed(self._running.values()):
            if not phase.hosts or host in phase.hosts:
                return phase.name
        return ""
