"""One change of one host, as a line, and its diff below it."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum

from provision.engine.events import Status, TaskFinished
from provision.report.line import Line, Span, Style, line
from provision.report.text import clean, clean_lines


class Sign(StrEnum):
    """What happens to a thing on a host, in one character."""

    CHANGE = "~"
    ADD = "+"
    REMOVE = "-"
    SAME = "="
    UNKNOWN = "?"
    IGNORED = "!"
    SKIPPED = "."


_STYLES = {
    Sign.CHANGE: Style.CHANGED,
    Sign.ADD: Style.ADDED,
    Sign.REMOVE: Style.REMOVED,
    Sign.UNKNOWN: Style.PLACE,
    Sign.IGNORED: Style.FAILED,
}
_BY_STATUS = {
    Status.OK: Sign.SAME,
    Status.IGNORED: Sign.IGNORED,
    Status.SKIPPED: Sign.SKIPPED,
    Status.NOT_RUN: Sign.SKIPPED,
    Status.UNKNOWN: Sign.UNKNOWN,
}


def sign_of(event: TaskFinished) -> Sign:
    """Return the sign of a finished task; a change that only adds or only removes says so."""
    return _BY_STATUS.get(event.status) or _direction(event.diff)


def _direction(diff: str) -> Sign:
    lines = diff.splitlines()
    if any(entry.startswith("--- /dev/null") for entry in lines):
        return Sign.ADD
    if any(entry.startswith("+++ /dev/null") for entry in lines):
        return Sign.REMOVE
    firsts = {entry[0] for entry in lines if entry.strip()}
    if firsts == {"+"}:
        return Sign.ADD
    return Sign.REMOVE if firsts == {"-"} else Sign.CHANGE


def describe(event: TaskFinished, note: str = "") -> Line:
    """Return ``~ task  message``, with ``note`` at its end."""
    sign, task = sign_of(event), clean(event.task)
    remarks = [clean(event.message)] if event.message not in ("", event.task) else []
    remarks += [note] if note else []
    tail = f"   {', '.join(remarks)}" if remarks else ""
    return line(mark(sign), f" {task}", Span(tail, Style.QUIET))


def mark(sign: Sign) -> Span:
    """Return the sign in its colour."""
    return Span(sign, _STYLES.get(sign, Style.QUIET))


def diff_lines(diff: str, indent: int) -> Iterable[Line]:
    """Return a diff's lines, indented and coloured."""
    for entry in clean_lines(diff):
        yield line(" " * indent, Span(entry, _diff_style(entry)))


def _diff_style(entry: str) -> Style:
    if entry.startswith(("+++", "---")):
        return Style.TITLE
    by_first = {
        "+": Style.ADDED,
        "-": Style.REMOVED,
        "~": Style.CHANGED,
        "@": Style.PLACE,
    }
    return by_first.get(entry[:1], Style.QUIET)
