"""What went wrong on a host: what was expected, what was found, the log, and what to do next."""

from __future__ import annotations

from collections.abc import Sequence

from provision.engine.events import HostUnreachable, Status, TaskFinished
from provision.report.line import Line, Span, Style, line
from provision.report.text import clean, clean_lines

_LABEL_WIDTH = 10


class Failures:
    """Turns failures into lines; one that many hosts share is told in full only once."""

    def __init__(self) -> None:
        self._first_host: dict[tuple[str, ...], str] = {}

    def task(self, event: TaskFinished, phase: str = "") -> list[Line]:
        """Return the block of a failed task; ``phase`` is where the run was."""
        what = clean(f"{phase}: {event.task}" if phase else event.task)
        word = "INTERRUPTED" if event.status is Status.INTERRUPTED else "FAILED"
        heading = f"{word}  {what} on {event.host}"
        body = [
            *_section("expected", clean_lines(event.expected)),
            *_section("found", clean_lines(event.found)),
            *_section("log", [text for entry in event.log for text in clean_lines(entry)]),
            *_section("next", clean_lines(event.hint)),
        ]
        key = (what, event.message, event.expected, event.found)
        return self._told(heading, event.host, event.message, body, key)

    def unreachable(self, event: HostUnreachable) -> list[Line]:
        """Return the block of a host that could not be reached, or was lost."""
        body = _section("next", clean_lines(event.hint))
        key = ("", event.message)
        return self._told(f"UNREACHABLE  {event.host}", event.host, event.message, body, key)

    def _told(
        self, heading: str, host: str, message: str, body: list[Line], key: tuple[str, ...]
    ) -> list[Line]:
        first = self._first_host.setdefault(key, host)
        text = f"{clean(message)} (as on {first})" if first != host else clean(message)
        title = Span(heading, Style.FAILED)
        return [line(title, f": {text}" if text else ""), *(body if first == host else [])]


def _section(label: str, content: Sequence[str]) -> list[Line]:
    labels = [label, *[""] * len(content)]
    return [
        line("  ", Span(name.ljust(_LABEL_WIDTH), Style.QUIET), text)
        for name, text in zip(labels, content, strict=False)
    ]
