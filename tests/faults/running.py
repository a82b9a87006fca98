"""One run of the command line, watched through its events."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

IMPATIENT = Path(__file__).with_name("impatient.py")
_REPOSITORY = Path(__file__).parents[2]

_UNEVENTFUL = re.compile(r'"task_started"|"task_finished".*"status": "(ok|changed|skipped)"')

Event = dict[str, Any]


@dataclass(frozen=True)
class Ended:
    """How a run ended: its exit code (negative for a signal), and all that it said."""

    code: int
    text: str
    seconds: float

    @property
    def told(self) -> str:
        """What is worth reading of it: without what began, and what went well."""
        return "\n".join(line for line in self.text.splitlines() if not _UNEVENTFUL.search(line))


class Running:
    """A run under way; a context manager that ends it in any case."""

    def __init__(self, project: Path, *arguments: str) -> None:
        self._events: list[Event] = []
        self._text = ""
        self._changed = threading.Condition()
        self._started = time.monotonic()
        self.process = subprocess.Popen(
            [sys.executable, str(IMPATIENT), *arguments],
            cwd=project,
            env={**os.environ, "PYTHONPATH": str(_REPOSITORY), "HOME": str(project)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: object, trace: TracebackType | None
    ) -> None:
        self.process.kill()
        self.process.wait()
        self._reader.join(5)

    def _read(self) -> None:
        assert self.process.stdout
        for line in self.process.stdout:
            with self._changed:
                self._text += line
                if line.startswith("{"):
                    self._events.append(json.loads(line))
                self._changed.notify_all()
        with self._changed:
            self._changed.notify_all()

    @property
    def text(self) -> str:
        """All that it has said."""
        with self._changed:
            return self._text

    def until(self, shows: Callable[[Event], bool], seconds: float = 90) -> None:
        """Wait for an event."""
        with self._changed:
            seen = self._changed.wait_for(
                lambda: any(map(shows, self._events)) or self.process.poll() is not None, seconds
            )
            assert seen and any(map(shows, self._events)), f"it did not come:\n{self._text}"

    def hold(self) -> None:
        """Stop the command where it is; what it has asked of hosts goes on."""
        self.process.send_signal(signal.SIGSTOP)

    def let_go(self) -> None:
        """Let it go on."""
        self.process.send_signal(signal.SIGCONT)

    def wait(self, seconds: float) -> Ended:
        """Return how it ended; taking longer is a failure."""
        try:
            code = self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"still there after {seconds} s:\n{self.text}") from None
        self._reader.join(5)
        return Ended(code, self.text, time.monotonic() - self._started)
