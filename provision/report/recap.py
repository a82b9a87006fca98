"""The table at the end of a run: what was done on each host."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

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
_TIME_WIDTH = 10
_VERDICT_WIDTH = len("  UNREACHABLE")
_GAP = 2


def recap_lines(recap: Mapping[str, HostRecap], width: int = 100) -> list[Line]:
    """Return the table, at most ``width`` columns wide; hosts in trouble come last, near the eye.

    Returns nothing for a run that touched no host.
    """
    if not recap:
        return []
    widths = {name: _count_width(name, recap.values()) for name in _COUNTS}
    rest = sum(widths.values()) + _TIME_WIDTH + _VERDICT_WIDTH
    names = min(max(map(len, [*recap, "host"])), width - rest)
    heading = "".join(name.rjust(widths[name]) for name in _COUNTS)
    titles = f"{'host'.ljust(names)}{heading}{'time'.rjust(_TIME_WIDTH)}"
    ordered = sorted(recap.items(), key=lambda entry: bool(trouble(entry[1])))
    rows = [_row(fit_name(name, names).ljust(names), row, widths) for name, row in ordered]
    return [line(Span(titles, Style.TITLE)), *rows]


def _count_width(column: str, rows: Iterable[HostRecap]) -> int:
    return _GAP + max(len(column), *(len(str(getattr(row, column))) for row in rows))


def _row(name: str, row: HostRecap, widths: Mapping[str, int]) -> Line:
    verdict = trouble(row)
    host = Span(name, Style.FAILED if verdict else Style.NORMAL)
    counts = [_count(column, getattr(row, column), width) for column, width in widths.items()]
    time = Span(duration(row.seconds).rjust(_TIME_WIDTH))
    return line(host, *counts, time, Span(f"  {verdict}", Style.FAILED))


def _count(column: str, number: int, width: int) -> Span:
    return Span(str(number).rjust(width), _COUNT_STYLES[column] if number else Style.QUIET)


def trouble(row: HostRecap) -> str:
    """Return ``UNREACHABLE``, ``FAILED``, ``INTERRUPTED``, or nothing for a host that is well."""
    if row.unreachable:
        return "UNREACHABLE"
    if row.failed:
        return "FAILED"
    return "INTERRUPTED" if row.interrupted else ""
