"""The moving part of the terminal: running phases, busy hosts, and what Ctrl-C would do."""

from __future__ import annotations

from collections.abc import Sequence

from provision.report.activity import Activity, Work
from provision.report.line import Line, Span, Style, line
from provision.report.phases import Phase
from provision.report.text import amount, clean, counted, duration, fit, fit_name

_HOST_WIDTH = 24
_TIME_WIDTH = 9
_BAR_WIDTH = 20
_FULL, _EMPTY = "█", "░"
_LEAST_ROWS = 3
_SCROLL_SHARE = 4  # a quarter of the screen stays with the lasting lines
_INTERRUPT = "Ctrl-C stops and unlocks; run again to go on"
_INTERRUPT_CHECK = "Ctrl-C is safe: nothing is being changed"


def view_lines(activity: Activity, now: float, width: int, height: int) -> list[Line]:
    """Return the view at ``now``, at most ``width`` x ``height`` characters."""
    if not activity.started:
        return []
    busy = activity.at_work(now)
    phases = activity.phases.running()
    room = max(_LEAST_ROWS, height - height // _SCROLL_SHARE - len(phases) - 2)
    shown = _slowest(busy, room)
    hosts = min(_HOST_WIDTH, max((len(work.host) for work in shown), default=0))
    rows = [_host_line(work, now, hosts, width) for work in shown]
    if len(shown) < len(busy):
        rows.append(line(Span(f"    …and {len(busy) - len(shown)} more", Style.QUIET)))
    return [
        *(_phase_line(phase, busy, now, width) for phase in phases),
        *rows,
        _foot(activity, now),
    ]


def _slowest(busy: Sequence[Work], room: int) -> list[Work]:
    """Keep the hosts whose task has taken longest, without changing their order."""
    if len(busy) <= room:
        return list(busy)
    kept = {work.host for work in sorted(busy, key=lambda work: work.since)[: room - 1]}
    return [work for work in busy if work.host in kept]


def _phase_line(phase: Phase, busy: Sequence[Work], now: float, width: int) -> Line:
    mine = [work for work in busy if not phase.hosts or work.host in phase.hosts]
    of = f" of {len(phase.hosts)}" if phase.hosts else ""
    state = f"{len(mine)}{of} at work" if mine else ""
    left = fit(f"  {phase.name:<17}  {state}", width - _TIME_WIDTH).ljust(width - _TIME_WIDTH)
    return line(Span(left, Style.TITLE), _time(now - phase.since))


def _host_line(work: Work, now: float, host_width: int, width: int) -> Line:
    name = fit_name(work.host, host_width).ljust(host_width)
    bar = _bar(work)
    room = width - _TIME_WIDTH - host_width - 6 - sum(len(span.text) for span in bar)
    text = fit(_what(work), room).ljust(room)
    end = work.ended if work.ended is not None else now
    return line("    ", Span(name, Style.PLACE), "  ", text, *bar, _time(end - work.since))


def _what(work: Work) -> str:
    detail = work.progress.label if work.progress else work.detail
    task, detail = clean(work.task), clean(detail)
    return f"{task} · {detail}" if detail and detail != task else task


def _bar(work: Work) -> Line:
    progress = work.progress
    if progress is None:
        return ()
    text = f"  {amount(progress.done, progress.total, clean(progress.unit)):>15}"
    if not progress.total:
        return line(text)
    full = round(_BAR_WIDTH * min(1.0, max(0.0, progress.done / progress.total)))
    empty = Span(_EMPTY * (_BAR_WIDTH - full), Style.QUIET)
    return line("  ", Span(_FULL * full, Style.OK), empty, text)


def _time(seconds: float) -> Span:
    return Span(duration(max(0.0, seconds)).rjust(_TIME_WIDTH), Style.QUIET)


def _foot(activity: Activity, now: float) -> Line:
    counts = counted(activity.changed, "change") + (" to make" if activity.check else "")
    interrupt = _INTERRUPT_CHECK if activity.check else _INTERRUPT
    time = duration(max(0.0, now - activity.started))
    failed = Span(f" · {activity.failed} failed", Style.FAILED if activity.failed else Style.QUIET)
    return line(
        Span(f"  {time} · {counts}", Style.QUIET), failed, Span(f" · {interrupt}", Style.QUIET)
    )
