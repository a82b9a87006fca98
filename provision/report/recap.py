"""The table at the end of a run: what was done on each host."""

from __future__ import annotations

from collections.abc import Mapping

from provision.engine.events import HostRecap
from provision.report.line import Line, Span, Style, line
from provision.report.text import duration, fit_name

_COUNTS = ("ok", "changed", "unreachable", "failed", "skipped")
_COUNT_STYLES = {
    "ok": Style.OK,
    "changed": Style.CHANGED,
    "unreachable": Style.FAILED,
    "failed": Style.FAILED,
    "skipped": Style.QUIET,
}
_TIME_WIDTH = 8
_VERDICT_WIDTH = len("  UNREACHABLE")
_GAP = 2
_REST_WIDTH = sum(len(name) + _GAP for name in _COUNTS) + _TIME_WIDTH + _VERDICT_WIDTH


def recap_lines(recap: Mapping[str, HostRecap], width: int = 100) -> list[Line]:
    """Return the table, at most ``width`` columns wide; hosts in trouble come last, near the eye.

    Returns nothing for a run that touched no host.
    """
    if not recap:
        return []
    names = min(max(map(len, [*recap, "host"])), width - _REST_WIDTH)
    heading = "".join(name.rjust(len(name) + _GAP) for name in _COUNTS)
    titles = f"{'host'.ljust(names)}{heading}{'time'.rjust(_TIME_WIDTH)}"
    ordered = sorted(recap.items(), key=lambda entry: bool(trouble(entry[1])))
    return [line(Span(titles, Style.TITLE)), *(_row(name, names, row) for name, row in ordered)]


def _row(name: str, width: int, row: HostRecap) -> Line:
    verdict = trouble(row)
    host = Span(fit_name(name, width).ljust(width), Style.FAILED if verdict else Style.NORMAL)
    counts = [_count(column, getattr(row, column)) for column in _COUNTS]
    time = Span(duration(row.seconds).rjust(_TIME_WIDTH))
    return line(host, *counts, time, Span(f"  {verdict}", Style.FAILED))


def _count(column: str, number: int) -> Span:
    style = _COUNT_STYLES[column] if number else Style.QUIET
    return Span(str(number).rjust(len(column) + _GAP), style)


def trouble(row: HostRecap) -> str:
    """Return ``UNREACHABLE``, ``FAILED``, or nothing for a host that is well."""
    if row.unreachable:
        return "UNREACHABLE"
    return "FAILED" if row.failed else ""
