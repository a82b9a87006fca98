"""The record of a run on disk; later reports are made from it."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

from provision.engine.events import Event, RunStarted
from provision.errors import Location, UsageError, did_you_mean
from provision.report.codec import decode, encode

RUNS = Path(".provision/runs")  # of the project, which is the current directory
EVENTS_FILE = "events.jsonl"

_log = logging.getLogger(__name__)


class RunLog:
    """Writes every event to ``<directory>/<run id>/events.jsonl``, for its owner's eyes only.

    Nothing is written before ``RunStarted`` names the run. A line is complete or absent, so a
    killed run leaves a readable log; a disk that fills up costs the log, never the deploy.

    Args:
        directory: where the runs of a project are kept, such as ``.provision/runs``.

    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._stream: TextIO | None = None

    def __call__(self, event: Event) -> None:
        """Append the event."""
        if isinstance(event, RunStarted):
            self._stream = self._open(event.run)
        if self._stream is None:
            return
        try:
            self._stream.write(json.dumps(encode(event)) + "\n")
        except OSError as error:
            _log.warning("the log of this run is incomplete: %s", error)
            self._stream = None

    def _open(self, run: str) -> TextIO:
        folder = self._directory / run
        try:
            self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            folder.mkdir(mode=0o700, exist_ok=True)
            path = folder / EVENTS_FILE
            handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise UsageError(
                f"the log of this run cannot be written: {error.strerror}",
                where=Location(str(folder)),
                hint="run in a directory that you may write to",
            ) from None
        return os.fdopen(handle, "w", buffering=1, encoding="utf-8")

    def close(self) -> None:
        """End the log."""
        if self._stream is not None:
            self._stream.close()
            self._stream = None


def find_run(directory: Path, run: str) -> Path:
    """Return the log of a run, by its id, or of the ``last`` one.

    Raises:
        UsageError: there is no such run; the nearest one is named.

    """
    logs = {path.parent.name: path for path in sorted(directory.glob(f"*/{EVENTS_FILE}"))}
    if run == "last" and logs:
        return logs[max(logs)]  # ids begin with the time
    if run in logs:
        return logs[run]
    what = "no run is recorded here" if not logs else f"there is no run {run!r} here"
    raise UsageError(
        what,
        where=Location(str(directory)),
        hint=did_you_mean(run, logs) or "run this in the directory in which you deploy",
    )


def read_events(path: Path) -> Iterator[Event]:
    """Yield the events of a run log; a last line that a killed run left unfinished is dropped.

    Raises:
        UsageError: with file and line, when the file cannot be read or is no run log.

    """
    try:
        with path.open(encoding="utf-8") as stream:
            for number, text in enumerate(stream, start=1):
                if text.endswith("\n"):
                    yield _event_of(text, Location(str(path), number))
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"not a readable run log: {error}", where=Location(str(path))) from None


def _event_of(text: str, where: Location) -> Event:
    try:
        return decode(json.loads(text))
    except (ValueError, AttributeError, TypeError) as error:
        raise UsageError(f"not an event of a run: {error}", where=where) from None
