"""Trace context, passed between services as W3C ``traceparent`` (W3C Trace Context, level 1)."""

from __future__ import annotations

import re
import secrets
from contextvars import ContextVar
from dataclasses import dataclass

HEADER = "traceparent"
SHAPE = re.compile(r"00-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}")


@dataclass(frozen=True)
class Span:
    """One step of a trace."""

    trace_id: str
    span_id: str

    @property
    def header(self) -> str:
        return f"00-{self.trace_id}-{self.span_id}-01"


_current: ContextVar[Span | None] = ContextVar("span", default=None)


def current() -> Span | None:
    return _current.get()


def begin(header: str | None = None) -> Span:
    """Continue the caller's trace, or begin one; the rest of this context runs under it."""
    match = SHAPE.fullmatch(header or "")
    trace_id = match.group(1) if match else secrets.token_hex(16)
    span = Span(trace_id, secrets.token_hex(8))
    _current.set(span)
    return span
