"""The way to a host, which a reboot interrupts: lost, and taken up again."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import TimeoutError as NoAnswer
from typing import TYPE_CHECKING, Protocol

from provision.agent.declaration import Declaration
from provision.agent.resources.reboot import BootId
from provision.errors import TaskError, UnreachableError
from provision.transport.channel import AgentChannel
from provision.transport.result import Result

if TYPE_CHECKING:
    from provision.tasks.host import Host

_POLL = 1.0  # seconds between two attempts to reach a host that is starting
_ATTEMPT = 20.0  # seconds for one of them, once it is connected
Tell = Callable[[float], None]


class Line(Protocol):
    """What the engine offers of the way to one host."""

    @property
    def is_local(self) -> bool:
        """Whether the host is this machine."""

    def channel(self, become: str | None) -> AgentChannel:
        """Return the channel of the agent that runs as this user."""

    def reopen(self) -> None:
        """Leave the connection to itself: whoever asks for a channel next gets another one."""

    def pause(self, seconds: float) -> None:
        """Wait so long, or until the run is interrupted."""

    def opened(self, host: Host) -> None:
        """Hand over what has to come first on a channel that the host is about to use."""


class NoLine:
    """Of a host that cannot be left and found again."""

    is_local = False

    def channel(self, become: str | None) -> AgentChannel:
        """Refuse."""
        raise TaskError("there is no other way to this host")

    def reopen(self) -> None:
        """Refuse."""
        raise TaskError("there is no other way to this host")

    def pause(self, seconds: float) -> None:
        """Wait."""
        time.sleep(seconds)

    def opened(self, host: Host) -> None:
        """Hand nothing over."""


def said_last(line: Line, become: str | None, declaration: Declaration, timeout: float) -> Result:
    """Hand over what will end the connection; return its answer, should it come in time.

    Args:
        line: the way to the host.
        become: the user that it is done as.
        declaration: what to do.
        timeout: seconds to wait for the answer.

    """
    future = line.channel(become).submit(declaration, keep_going=True)
    line.channel(become).flush()
    try:
        return future.result(timeout)
    except (UnreachableError, NoAnswer):
        return Result("changed")


def await_another_boot(
    line: Line, become: str | None, boot: str, host: str, timeout: float, tell: Tell
) -> None:
    """Wait until the host can be reached again, and is not on the boot that was left.

    Args:
        line: the way to the host.
        become: the user that its agent runs as.
        boot: the id of the boot that was left.
        host: its name, for messages.
        timeout: seconds.
        tell: hears how many seconds have passed.

    Raises:
        UnreachableError: it did not come back in time.

    """
    started = time.monotonic()
    while True:
        line.pause(_POLL)
        seen = _look(line, become, boot)
        passed = time.monotonic() - started
        if seen is None:
            return
        if passed > timeout:
            raise UnreachableError(
                f"host {host}: not back {timeout:.0f} s after its reboot began: {seen}",
                hint="look at its console; then run this again, it goes on from there",
            )
        tell(passed)


def _look(line: Line, become: str | None, boot: str) -> str | None:
    """Return what is not as it should be yet, None where the host is on another boot."""
    line.reopen()
    try:
        channel = line.channel(become)
        future = channel.submit(BootId(), keep_going=True)
        channel.flush()
        now = future.result(_ATTEMPT).data.get("boot")
    except UnreachableError as error:
        return error.message
    except NoAnswer:
        return f"no answer within {_ATTEMPT:.0f} s"
    return "it is still on the boot that it was to leave" if now == boot else None
