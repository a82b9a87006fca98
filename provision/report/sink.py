"""A text stream that a run does not depend on."""

from __future__ import annotations

from typing import TextIO


class Sink:
    """Writes lines to ``stream``; a reader that went away (``| head``) must not end a deploy."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._encoding = getattr(stream, "encoding", None) or "utf-8"
        self._gone = False

    def write(self, *lines: str) -> None:
        """Write and flush lines; characters that the stream's encoding lacks become ``?``."""
        if self._gone or not lines:
            return
        text = "".join(f"{line}\n" for line in lines)
        try:
            self._stream.write(text.encode(self._encoding, "replace").decode(self._encoding))
            self._stream.flush()
        except BrokenPipeError:
            self._gone = True
