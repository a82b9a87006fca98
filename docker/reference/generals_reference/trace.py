"""Traces: spans passed between services as W3C ``traceparent`` (W3C Trace Context, level 1)."""

from __future__ import annotations

import re
import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field

HEADER = "traceparent"
SHAPE = re.compile(r"00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})")
Attribute = str | int | float


@dataclass
class Span:
    """One step of a trace; `sampled` ones are exported when they end."""

    trace_id: str
    span_id: str
    sampled: bool
    name: str = ""
    parent_id: str = ""
    server: bool = False
    links: tuple[Span, ...] = ()
    attributes: dict[str, Attribute] = field(default_factory=dict)
    start: int = 0  # nanoseconds since the epoch
    end: int = 0
    error: str = ""

    @property
    def header(self) -> str:
        return f"00-{self.trace_id}-{self.span_id}-{'01' if self.sampled else '00'}"


_current: ContextVar[Span | None] = ContextVar("span", default=None)
_export: list[Callable[[Span], None]] = []


def current() -> Span | None:
    return _current.get()


def export_to(add: Callable[[Span], None]) -> None:
    """Have `add` called with every sampled span that ends."""
    _export.append(add)


def parse(header: str | None) -> Span | None:
    """The caller's span out of its header; None where there is none."""
    match = SHAPE.fullmatch(header or "")
    return Span(match[1], match[2], bool(int(match[3], 16) & 1)) if match else None


@contextmanager
def span(
    name: str,
    parent: Span | None = None,
    *,
    sampled: bool = False,
    server: bool = False,
    links: tuple[Span, ...] = (),
) -> Iterator[Span]:
    """Run a block as a span: below `parent`, else below the current one, else as a new trace.

    `sampled` counts for a new trace; a span below another one follows that.
    """
    above = parent or current()
    opened = Span(
        trace_id=above.trace_id if above else secrets.token_hex(16),
        span_id=secrets.token_hex(8),
        sampled=above.sampled if above else sampled,
        name=name,
        parent_id=above.span_id if above else "",
        server=server,
        links=links,
        start=time.time_ns(),
    )
    token = _current.set(opened)
    try:
        yield opened
    except Exception as error:
        opened.error = str(error) or type(error).__name__
        raise
    finally:
        _current.reset(token)
        opened.end = time.time_ns()
        if opened.sampled:
            for add in _export:
                add(opened)
