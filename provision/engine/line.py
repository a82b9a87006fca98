"""The way to one host of a run, as tasks see it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from provision.engine.fleet import Fleet
from provision.tasks.host import Host
from provision.transport.channel import AgentChannel

if TYPE_CHECKING:
    from provision.engine.run import Run


class HostLine:
    """Bound to the links that the run has now: after an interruption it has others.

    Args:
        run: whose host it is.
        name: of the host.

    """

    def __init__(self, run: Run, name: str) -> None:
        self._run = run
        self._fleet: Fleet = run.fleet
        self._name = name

    @property
    def is_local(self) -> bool:
        """Whether the host is this machine."""
        return self._fleet.link(self._name).endpoint.connection == "local"

    def channel(self, become: str | None) -> AgentChannel:
        """Return the channel of the agent that runs as this user."""
        return self._fleet.link(self._name).channel(become)

    def reopen(self) -> None:
        """Leave the connection to itself."""
        self._fleet.reopen(self._name)

    def pause(self, seconds: float) -> None:
        """Wait so long, or until the run is interrupted."""
        self._fleet.pause(seconds)

    def opened(self, host: Host) -> None:
        """Take the host's lock before anything is done there as root."""
        if self._fleet.link(self._name).is_root(host.become):
            self._run.locks.ride(host)
