"""A command on a terminal of its own, as a person has it: watched, and interrupted."""

from __future__ import annotations

import os
import pty
import re
import subprocess
import termios
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

_PATIENCE = 60.0  # seconds for anything that is waited for
_COLOUR = re.compile(r"\x1b\[[\d;]*m")
_HIDE, _SHOW = "\x1b[?25l", "\x1b[?25h"


class Terminal:
    """Runs one command; a context manager that ends it in any case."""

    def __init__(self, argv: Sequence[str], directory: Path, environment: dict[str, str]) -> None:
        self._master, self._slave = pty.openpty()
        self._before = termios.tcgetattr(self._slave)
        self._seen = b""
        self.process = subprocess.Popen(
            argv,
            cwd=directory,
            env={**_not_in_ci(environment), "TERM": "xterm-256color", "PYTHONUTF8": "1"},
            stdin=self._slave,
            stdout=self._slave,
            stderr=self._slave,
            start_new_session=True,
        )
        threading.Thread(target=self._read, daemon=True).start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: object, trace: TracebackType | None
    ) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        os.close(self._slave)

    def _read(self) -> None:
        while True:
            try:
                self._seen += os.read(self._master, 65536)
            except OSError:  # nobody has the other end any more
                return

    @property
    def shown(self) -> str:
        """All that was written so far, without colours."""
        return _COLOUR.sub("", self._seen.decode("utf-8", "replace"))

    def until(self, condition: Callable[[], object], what: str) -> None:
        """Wait until something is so."""
        deadline = time.monotonic() + _PATIENCE
        while not condition():
            assert self.process.poll() is None or condition(), f"ended: {self.shown}"
            assert time.monotonic() < deadline, f"{what}: {self.shown}"
            time.sleep(0.05)

    def signal(self, number: int) -> None:
        """Send a signal to the command."""
        self.process.send_signal(number)

    def wait(self, seconds: float) -> int:
        """Return the exit code; taking longer than ``seconds`` is a failure."""
        try:
            code = self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"still there after {seconds} s: {self.shown}") from None
        time.sleep(0.2)  # for the reader
        return code

    def is_restored(self) -> bool:
        """Tell whether the cursor is visible and the settings are as they were."""
        settings = termios.tcgetattr(self._slave)
        return self.shown.rfind(_SHOW) >= self.shown.rfind(_HIDE) and settings == self._before


def _not_in_ci(environment: dict[str, str]) -> dict[str, str]:
    """Return what a person has set, who sees the live view; in CI there are plain lines."""
    return {name: value for name, value in environment.items() if name != "CI"}
