"""The run on a terminal: lasting lines scroll by, the moving part stays below them.

Imports rich, which takes a while to load: to be imported only where it is used.
"""

from __future__ import annotations

import atexit
import threading
import time
from collections.abc import Iterable
from contextlib import suppress

from rich.console import Console
from rich.live import Live
from rich.text import Text

from provision.engine.events import Event
from provision.report.activity import Activity
from provision.report.line import Line
from provision.report.story import Story
from provision.report.view import view_lines

_TICK = 0.2  # seconds: five pictures a second are smooth enough, and cost a few ms each


class LiveConsole:
    """Draws a run on ``console``; a thread of its own redraws, so that events cost next to nothing.

    Args:
        console: a rich console on a terminal.
        story: what becomes a lasting line.

    """

    def __init__(self, console: Console, story: Story) -> None:
        self._console = console
        self._story = story
        self._activity = Activity()
        self._pending: list[Line] = []
        self._lock = threading.Lock()
        self._closing = threading.Event()
        self._live = Live(
            console=console, auto_refresh=False, transient=True, get_renderable=self._picture
        )
        self._thread = threading.Thread(target=self._draw, name="live console", daemon=True)
        self._live.start()
        self._thread.start()
        atexit.register(self.close)

    def __call__(self, event: Event) -> None:
        """Take an event into the picture; it shows at the next tick."""
        with self._lock:
            self._activity.see(event)
            self._pending += self._story.tell(event)

    def close(self) -> None:
        """Write what is pending, take the moving part away and give the cursor back."""
        if self._closing.is_set():
            return
        self._closing.set()
        atexit.unregister(self.close)
        try:
            self._thread.join()
        finally:  # a second Ctrl-C must not leave the cursor hidden
            with suppress(OSError):  # a terminal that was closed must not change the exit code
                self._live.stop()
                self._flush()

    def _draw(self) -> None:
        with suppress(OSError):
            while not self._closing.wait(_TICK):
                if not self._flush():
                    self._live.refresh()

    def _flush(self) -> bool:
        """Print the pending lines, which also redraws the moving part; were there any?"""
        with self._lock:
            lines, self._pending = self._pending, []
        if lines:
            # The terminal wraps long lines itself, so that they are copied in one piece.
            self._console.print(rich_text(lines), soft_wrap=True)
        return bool(lines)

    def _picture(self) -> Text:
        with self._lock:
            width, height = self._console.size
            lines = view_lines(self._activity, time.time(), width, height)
        text = rich_text(lines)
        text.no_wrap, text.overflow = True, "ellipsis"
        return text


def rich_text(lines: Iterable[Line]) -> Text:
    """Return lines as rich shows them, without ever reading them as markup."""
    text = Text()
    for number, content in enumerate(lines):
        text.append("\n" if number else "")
        for span in content:
            text.append(span.text, style=span.style.value)
    return text
