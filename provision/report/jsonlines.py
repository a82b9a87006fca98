"""Each event as one line of JSON, for programs."""

from __future__ import annotations

import json
from typing import TextIO

from provision.engine.events import Event
from provision.report.codec import encode
from provision.report.sink import Sink


class JsonLines:
    """Writes each event to ``stream`` as ``{"event": "task_finished", "at": …}``."""

    def __init__(self, stream: TextIO) -> None:
        self._sink = Sink(stream)

    def __call__(self, event: Event) -> None:
        """Write one line; it is flushed, so that a reader sees it at once."""
        self._sink.write(json.dumps(encode(event)))

    def close(self) -> None:
        """Nothing to tidy: every line is written when it happens."""
