"""A line of output: pieces of text with a style, on no particular medium.

Everything that people read is made of these, so that a plain file and a coloured terminal cannot
tell different stories, and so that remote text is never parsed as markup.
"""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple


class Style(StrEnum):
    """What a piece of text is; the value is its look, in rich's words."""

    NORMAL = ""
    QUIET = "dim"
    TITLE = "bold"
    OK = "green"
    CHANGED = "yellow"
    ADDED = "green"
    REMOVED = "red"
    FAILED = "bold red"
    PLACE = "cyan"


class Span(NamedTuple):
    """A piece of a line."""

    text: str
    style: Style = Style.NORMAL


Line = tuple[Span, ...]

BLANK: Line = ()


def line(*pieces: str | Span) -> Line:
    """Build a line; a bare string is unstyled text."""
    return tuple(Span(piece) if isinstance(piece, str) else piece for piece in pieces)


def as_text(content: Line) -> str:
    """Return the line without its styles."""
    return "".join(span.text for span in content).rstrip()
