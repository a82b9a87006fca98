"""Writes the page when the run is over, however it ended."""

from __future__ import annotations

import contextlib
import logging
import os
import secrets
from pathlib import Path

from provision.engine.events import Event, RunStarted
from provision.errors import Location, UsageError
from provision.report.html.page import render
from provision.report.html.record import Record

_log = logging.getLogger(__name__)


class HtmlReport:
    """Listens to a run and writes its page to ``path`` in the end.

    Args:
        path: of the page; what is there is replaced.

    Raises:
        UsageError: there is no such directory, or nobody may write there: said before the run.

    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._record = Record()
        self._began = False
        if path.is_dir() or not os.access(path.absolute().parent, os.W_OK):
            raise UsageError(
                "the report cannot be written there",
                where=Location(str(path)),
                hint="name a file in a directory that exists, such as run.html",
            )

    def __call__(self, event: Event) -> None:
        """Take an event."""
        self._began = self._began or isinstance(event, RunStarted)
        self._record(event)

    def close(self) -> None:
        """Write the page; a full disk costs the page, never the deploy."""
        if not self._began:
            return
        self._began = False
        try:
            write_page(self._path, render(self._record))
        except OSError as error:
            _log.warning("the report was not written: %s", error)


def write_page(path: Path, page: str) -> None:
    """Write a page beside its place and rename it, so that no half one is ever seen."""
    beside = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        beside.write_text(page, encoding="utf-8", errors="replace")
        beside.replace(path)
    finally:
        with contextlib.suppress(OSError):
            beside.unlink()
