"""What a run looks like, to people and to programs; fed by the engine's events."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol, TextIO

from provision.engine.events import Event
from provision.report.jsonlines import JsonLines
from provision.report.plain import PlainConsole
from provision.report.runlog import RUNS, RunLog, find_run, read_events
from provision.report.story import Story

__all__ = [
    "RUNS",
    "Listener",
    "RunLog",
    "can_draw",
    "find_run",
    "make_listener",
    "make_reports",
    "read_events",
]


class Listener(Protocol):
    """Takes the events of one run, and is closed at its end, however it ends."""

    def __call__(self, event: Event) -> None:
        """Take one event."""

    def close(self) -> None:
        """Leave stream and terminal in order; may be called twice."""


def make_listener(
    *, json: bool, verbosity: int, diff: bool, check: bool, stream: TextIO, is_terminal: bool
) -> Listener:
    """Return what shows a run on ``stream``.

    Args:
        json: one JSON object a line, and nothing else.
        verbosity: the number of ``-v``: 1 also names what was already right, 2 shows what
            commands print.
        diff: follow each change by its diff.
        check: the run only plans; its changes are shown together, at its end.
        stream: where to write.
        is_terminal: whether a person watches; a terminal that cannot move its cursor, ``CI`` and
            ``NO_COLOR`` get plain lines all the same.

    """
    if json:
        return JsonLines(stream)
    story = Story(verbosity=verbosity, diff=diff, check=check)
    if not (is_terminal and can_draw(stream, os.environ)):
        return PlainConsole(stream, story)
    from rich.console import Console

    from provision.report.console import LiveConsole

    return LiveConsole(Console(file=stream, force_terminal=True, highlight=False), story)


def make_reports(path: Path | None) -> list[Listener]:
    """Return what writes a run's page to ``path``; nothing where none is wanted.

    Raises:
        UsageError: the page could not be written there.

    """
    if path is None:
        return []
    from provision.report.html import HtmlReport

    return [HtmlReport(path)]


def can_draw(stream: TextIO, environ: Mapping[str, str]) -> bool:
    """Tell whether a terminal, with these environment variables, is one that shows colours."""
    encoding = (getattr(stream, "encoding", None) or "").lower().replace("-", "")
    plain_wanted = bool(environ.get("NO_COLOR") or environ.get("CI"))
    return encoding == "utf8" and not plain_wanted and environ.get("TERM", "dumb") != "dumb"
