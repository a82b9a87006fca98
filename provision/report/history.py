"""The history of hosts as a table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

_TITLES = ("time (UTC)", "host", "role", "action", "release", "before", "run", "by")


def history_lines(entries: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return a table of the history's lines, each with the ``host`` that it comes from."""
    if not entries:
        return ["nothing has been deployed there yet"]
    rows = [_TITLES, *map(_row, entries)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(_TITLES))]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]


def _row(entry: Mapping[str, Any]) -> tuple[str, ...]:
    at = str(entry.get("at", "")).replace("T", " ").removesuffix("Z")
    fields = ("host", "role", "action", "release", "replaced", "run", "by")
    return (at, *(str(entry.get(field) or "-") for field in fields))
