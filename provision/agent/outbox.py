"""What the agent has to say, on its way to the controller.

Small answers travel in company, because a packet each would cost both ends CPU; none waits for it
longer than a moment. Nothing here waits for a controller that is gone: a connection can die without
a word, and what is being worked on (an ``apt-get``) must not stall on its own output.
"""

from __future__ import annotations

import os
import select
import threading
from typing import Callable, List

LATENCY = 0.05  # seconds that an answer may wait for company
_PIECE = 4096  # bytes; a pipe that is ready for writing takes as many at once, see pipe(7)
_PATIENCE = 500  # milliseconds between looks at whether the connection is lost


class Outbox:
    """Lines for one file descriptor, sent in order.

    Args:
        descriptor: where to.
        is_lost: whether nobody will read it any more.
        lose: called when the descriptor says so.

    """

    def __init__(
        self, descriptor: int, is_lost: Callable[[], bool], lose: Callable[[], None]
    ) -> None:
        self.filled = threading.Event()  # something waits for company
        self._descriptor = descriptor
        self._is_lost = is_lost
        self._lose = lose
        self._lines: List[bytes] = []
        self._lock = threading.Lock()
        self._ready = select.poll()
        self._ready.register(descriptor, select.POLLOUT)

    def put(self, line: bytes) -> None:
        """Queue a line."""
        with self._lock:  # else it could join lines that are on their way already
            self._lines.append(line)
        if not self.filled.is_set():
            self.filled.set()

    def flush(self) -> None:
        """Send what is queued; where nobody reads it, forget it."""
        with self._lock:
            self.filled.clear()
            lines, self._lines = self._lines, []
            try:
                self._write(b"".join(lines))
            except OSError:
                self._lose()

    def _write(self, data: bytes) -> None:
        rest = memoryview(data)
        while rest and not self._is_lost():
            if self._ready.poll(_PATIENCE):
                rest = rest[os.write(self._descriptor, rest[:_PIECE]) :]
