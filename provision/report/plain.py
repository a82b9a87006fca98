"""The run as plain lines: for CI logs, files and simple terminals."""

from __future__ import annotations

from typing import TextIO

from provision.engine.events import Event
from provision.report.line import as_text
from provision.report.sink import Sink
from provision.report.story import Story


class PlainConsole:
    """Writes the lasting lines of ``story`` to ``stream``, without colour or movement."""

    def __init__(self, stream: TextIO, story: Story) -> None:
        self._sink = Sink(stream)
        self._story = story

    def __call__(self, event: Event) -> None:
        """Write what the event adds."""
        self._sink.write(*map(as_text, self._story.tell(event)))

    def close(self) -> None:
        """Nothing to tidy: every line is written when it happens."""
