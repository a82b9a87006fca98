"""What becomes of a resource that was handed to a host."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any

from provision.errors import TaskError
from provision.transport.result import Result


class HostFailedError(TaskError):
    """A resource failed on this host; what follows on it is not run. It has been reported."""


@dataclass(frozen=True)
class Outcome:
    """A resource under way. Looking at it waits for it; not looking costs nothing.

    Args:
        label: what the person sees.
        future: of the host's answer.
        flush: sends what is still queued, so that there will be an answer.
        notify: the handlers to run should it have changed something.
        planned: it was only planned, so that what it would report is not known.

    """

    label: str
    future: Future[Result]
    flush: Callable[[], None]
    notify: tuple[str, ...] = ()
    planned: bool = False

    def wait(self) -> Result:
        """Return the answer, whatever it is.

        Raises:
            UnreachableError: the connection was lost.

        """
        if not self.future.done():
            self.flush()
        return self.future.result()

    def result(self) -> Result:
        """Return the answer of a resource that must not have failed.

        Raises:
            HostFailedError: it did, or something before it.
            UnreachableError: the connection was lost.

        """
        result = self.wait()
        if result.status in {"failed", "not_run", "cancelled"}:
            raise HostFailedError(f"{self.label}: {result.message or result.status}")
        return result

    @property
    def changed(self) -> bool:
        """Whether it changed something (or, in check mode, would)."""
        return self.result().status in {"changed", "unknown"}

    @property
    def data(self) -> dict[str, Any]:
        """What it reports beside its state."""
        return self.result().data


def mapped(future: Future[Result], change: Callable[[Result], Result]) -> Future[Result]:
    """Return the future of what ``change`` makes of a result."""
    answer: Future[Result] = Future()

    def end(done: Future[Result]) -> None:
        error = done.exception()
        if error is not None:
            answer.set_exception(error)
        else:
            answer.set_result(change(done.result()))

    future.add_done_callback(end)
    return answer
