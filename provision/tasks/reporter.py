"""Tells of one host's work in order: nothing ends before it has begun, and nothing overtakes."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from provision.tasks.deployed import Deployed
from provision.transport.result import Result

FATAL = frozenset({"failed", "cancelled"})


class Observer(Protocol):
    """Is told what happens on a host, from whatever thread it happens in."""

    def started(self, host: str, label: str) -> None:
        """A resource is being worked on."""

    def progressed(self, host: str, label: str, event: Mapping[str, Any]) -> None:
        """It printed something, or moved on: an event of the agent's."""

    def finished(self, host: str, label: str, result: Result, *, ignored: bool) -> None:
        """It ended; ``ignored`` says that a failure of it does not count."""

    def deployed(self, host: str, deployed: Deployed, result: Result) -> None:
        """A role's release is the current one; ``result`` is that of making it so."""


@dataclass(frozen=True)
class _Item:
    """Something under way; with a result, it was decided on the controller and waits its turn."""

    label: str
    result: Result | None = None


class Reporter:
    """The queue of what was handed to one host and has not ended.

    Args:
        host: its name.
        observer: is told.

    """

    def __init__(self, host: str, observer: Observer) -> None:
        self._host = host
        self._observer = observer
        self._queue: deque[_Item] = deque()
        self._stopped = False  # something failed: what follows on the host is not run
        self._announced: str | None = None
        self._lock = threading.Lock()

    def begin(self, label: str) -> None:
        """Take note of something handed over; it is at work once all before it has ended."""
        with self._lock:
            self._queue.append(_Item(label))
            if len(self._queue) == 1:
                self._observer.started(self._host, label)

    def announce(self, label: str) -> None:
        """Tell that something is at work, all before it having ended, that will be noted later."""
        with self._lock:
            if self._announced != label:
                self._announced = label
                self._observer.started(self._host, label)

    def progress(self, label: str, event: Mapping[str, Any]) -> None:
        """Pass on that something at work has moved on."""
        self._observer.progressed(self._host, label, event)

    def end(self, label: str, result: Result, *, ignored: bool = False) -> None:
        """Tell how the first of those handed over has ended."""
        with self._lock:
            self._queue.popleft()
            self._finish(label, result, ignored)
            while self._queue and self._queue[0].result is not None:
                self._decided(self._queue.popleft())
            if self._queue and not self._stopped:
                self._observer.started(self._host, self._queue[0].label)

    def note(self, label: str, result: Result, *, ignored: bool = False) -> None:
        """Tell of something that needs no host, when its turn comes; failures must wait for it."""
        with self._lock:
            if self._queue:
                self._queue.append(_Item(label, result))
                return
            if self._announced != label:
                self._observer.started(self._host, label)
            self._announced = None
            self._finish(label, result, ignored)

    def _decided(self, item: _Item) -> None:
        assert item.result is not None  # noqa: S101 - the caller has looked
        if self._stopped:
            self._finish(item.label, Result("not_run"), False)
        else:
            self._observer.started(self._host, item.label)
            self._finish(item.label, item.result, False)

    def deployed(self, deployed: Deployed, result: Result) -> None:
        """Tell what is the current release of a role."""
        self._observer.deployed(self._host, deployed, result)

    def _finish(self, label: str, result: Result, ignored: bool) -> None:
        self._stopped = self._stopped or (result.status in FATAL and not ignored)
        self._observer.finished(self._host, label, result, ignored=ignored)
