"""Who worked on what when, as bars on one scale."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from provision.engine.events import Status
from provision.report.html.record import Record, Task
from provision.report.text import clean, duration

_FINEST = 0.004  # of the whole: about two pixels; shorter neighbours are drawn as one bar
_MOST_TICKS = 6
_STEPS = (0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400)
_KINDS = {  # the worst of several comes first
    Status.FAILED: "failed",
    Status.INTERRUPTED: "failed",
    Status.CHANGED: "changed",
    Status.UNKNOWN: "changed",
    Status.IGNORED: "ignored",
    Status.OK: "ok",
}
_ORDER = ("failed", "lost", "changed", "ignored", "ok")


class Bar(NamedTuple):
    """A stretch of time: where it begins and how long it is, in percent; what it says."""

    left: float
    width: float
    kind: str
    title: str


class Row(NamedTuple):
    """A line of the picture."""

    name: str
    bars: Sequence[Bar]
    time: str
    note: str = ""
    kind: str = ""


class Tick(NamedTuple):
    """A mark on the scale, in percent."""

    left: float
    label: str


class Timeline(NamedTuple):
    """The picture."""

    ticks: Sequence[Tick]
    phases: Sequence[Row]
    hosts: Sequence[Row]


class _Piece(NamedTuple):
    """Something that a host did, before it is drawn (Unix seconds)."""

    began: float
    ended: float
    kind: str
    title: str
    phase: str = ""
    number: int = 1
    longest: float = 0.0  # seconds of the longest task in it


def timeline(record: Record) -> Timeline:
    """Draw a run."""
    scale = _Scale(record.started.at, max(record.last - record.started.at, record.seconds, 0.001))
    return Timeline(
        list(scale.ticks()), list(_phase_rows(record, scale)), list(_host_rows(record, scale))
    )


class _Scale(NamedTuple):
    start: float
    length: float

    def bar(self, piece: _Piece) -> Bar:
        left = min(100.0, max(0.0, (piece.began - self.start) / self.length * 100))
        width = max(0.0, (piece.ended - piece.began) / self.length * 100)
        return Bar(round(left, 2), round(min(width, 100 - left), 2), piece.kind, piece.title)

    def ticks(self) -> Iterator[Tick]:
        fitting = (step for step in _STEPS if self.length / step <= _MOST_TICKS)
        step = next(fitting, self.length / _MOST_TICKS)
        for number in range(int(self.length / step) + 1):
            label = duration(number * step) if number else "0"
            yield Tick(round(number * step / self.length * 100, 2), label)


def _phase_rows(record: Record, scale: _Scale) -> Iterator[Row]:
    for span in record.phases:
        ended = record.last if span.ended is None else span.ended
        kind = "ok" if span.ok else "failed"
        summary = clean(span.summary) if span.ended is not None else "broke off"
        bar = scale.bar(_Piece(span.began, ended, kind, f"{span.name}: {summary}"))
        yield Row(span.name, [bar], duration(ended - span.began), summary, kind)


def _host_rows(record: Record, scale: _Scale) -> Iterator[Row]:
    by_host: dict[str, list[_Piece]] = {host: [] for host in record.hosts}
    for task in record.tasks:
        if task.event.status in _KINDS:
            by_host.setdefault(task.event.host, []).append(_piece(task))
    for lost in record.lost:
        piece = _Piece(lost.event.at, record.last, "lost", clean(lost.event.message))
        by_host.setdefault(lost.event.host, []).append(piece)
    if record.finished is None:
        for host, work in record.at_work.items():
            piece = _Piece(work.at, record.last, "lost", f"{clean(work.task)} · did not end")
            by_host.setdefault(host, []).append(piece)
    for host, pieces in by_host.items():
        seconds = record.recap[host].seconds if host in record.recap else 0.0
        bars = [scale.bar(piece) for piece in _joined(pieces, scale.length * _FINEST)]
        worst = next((kind for kind in _ORDER if any(bar.kind == kind for bar in bars)), "")
        yield Row(host, bars, duration(seconds), kind=worst)


def _piece(task: Task) -> _Piece:
    event = task.event
    title = f"{clean(event.task)} · {event.status.value} · {duration(event.at - task.began)}"
    length = event.at - task.began
    kind = _KINDS[event.status]
    return _Piece(task.began, event.at, kind, title, task.phase, longest=length)


def _joined(pieces: Iterable[_Piece], finest: float) -> Iterator[_Piece]:
    """Yield pieces of which short neighbours are joined; the worst of them gives the colour."""
    current: _Piece | None = None
    for piece in sorted(pieces):
        if current is None:
            current = piece
        elif _is_drawn_with(current, piece, finest):
            current = _both(current, piece)
        else:
            yield current
            current = piece
    if current is not None:
        yield current


def _is_drawn_with(one: _Piece, other: _Piece, finest: float) -> bool:
    near = other.began - one.ended < finest
    return near and one.phase == other.phase and max(one.longest, other.longest) < finest


def _both(one: _Piece, other: _Piece) -> _Piece:
    number = one.number + other.number
    title = f"{one.phase}: {number} tasks" if one.phase else f"{number} tasks"
    ended, longest = max(one.ended, other.ended), max(one.longest, other.longest)
    worst = min(one.kind, other.kind, key=_ORDER.index)
    return _Piece(one.began, ended, worst, title, one.phase, number, longest)
