"""A file's content on its way to an agent: messages that answer its "want"."""

from __future__ import annotations

import binascii
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

_PIECE = 131072  # bytes of a file in one message

Content = bytes | Path


def content_messages(content: Content, sha256: str) -> Iterator[dict[str, Any]]:
    """Yield a content in pieces; the last message says so, or why there will be no more."""
    try:
        for piece, last in _pieces(content):
            data = binascii.b2a_base64(zlib.compress(piece, 1), newline=False).decode()
            yield {"op": "content", "sha256": sha256, "data": data, "last": last}
    except OSError as error:
        problem = f"{content!s} cannot be read on the controller: {error.strerror}"
        yield {"op": "content", "sha256": sha256, "problem": problem}


def _pieces(content: Content) -> Iterator[tuple[bytes, bool]]:
    """Yield a content in pieces, each with whether it is the last one; one at least."""
    if isinstance(content, bytes):
        yield from _with_last(content[i : i + _PIECE] for i in range(0, len(content), _PIECE))
        return
    with content.open("rb") as file:
        yield from _with_last(iter(lambda: file.read(_PIECE), b""))


def _with_last(pieces: Iterator[bytes]) -> Iterator[tuple[bytes, bool]]:
    piece = next(pieces, b"")
    for following in pieces:
        yield piece, False
        piece = following
    yield piece, True
