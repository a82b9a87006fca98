"""What a run with ``--check`` would change, host by host."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from provision.engine.events import HostRecap, Status, TaskFinished
from provision.report.change import Sign, describe, diff_lines, mark
from provision.report.line import BLANK, Line, Span, Style, line
from provision.report.recap import trouble
from provision.report.text import counted, fit

_LABEL_WIDTH = 30
_NAMED = 2  # so many neighbours are both named; more become "first … last"
_NOTHING = line(mark(Sign.SAME), Span(" nothing to do", Style.QUIET))
_UNPLANNED = line(mark(Sign.IGNORED), " could not be planned, see above")


class _Entry(NamedTuple):
    phase: str
    event: TaskFinished


class Plan:
    """Collects what check mode found; hosts with the same plan are shown once."""

    def __init__(self, *, diff: bool) -> None:
        self._diff = diff
        self._entries: dict[str, list[_Entry]] = {}

    def see(self, event: TaskFinished, phase: str) -> None:
        """Take note of a task, if it would change something."""
        if event.status in (Status.CHANGED, Status.UNKNOWN):
            self._entries.setdefault(event.host, []).append(_Entry(phase, event))

    def lines(self, recap: Mapping[str, HostRecap], exit_code: int) -> list[Line]:
        """Return the plan for the hosts of ``recap``, in its order, and its sum."""
        hosts = list(recap)
        bodies: dict[tuple[Line, ...], list[str]] = {}
        for host in hosts:
            bodies.setdefault(tuple(self._body(host, recap[host])), []).append(host)
        labels = [fold_names(names, hosts) for names in bodies.values()]
        width = min(_LABEL_WIDTH, max(map(len, labels), default=0))
        title = line(Span(f"plan for {counted(len(hosts), 'host')}", Style.TITLE))
        blocks = zip(labels, bodies, strict=True)
        rows = [row for label, body in blocks for row in _block(label, body, width)]
        return [title, BLANK, *rows, BLANK, self._sum(recap, exit_code)]

    def _body(self, host: str, row: HostRecap) -> Iterator[Line]:
        entries = self._entries.get(host, [])
        width = max((len(entry.phase) + 2 for entry in entries if entry.phase), default=0)
        previous = ""
        for phase, event in entries:
            shown = "" if phase == previous else phase
            yield line(Span(shown.ljust(width), Style.PLACE), *describe(event, _doubt(event)))
            yield from diff_lines(event.diff, width + 4) if self._diff else ()
            previous = phase
        if trouble(row):
            yield _UNPLANNED
        elif not entries:
            yield _NOTHING

    def _sum(self, recap: Mapping[str, HostRecap], exit_code: int) -> Line:
        stuck = sum(bool(trouble(row)) for row in recap.values())
        changing = sum(host in self._entries and not trouble(row) for host, row in recap.items())
        well = len(recap) - stuck - changing
        are = "1 is as it should be" if well == 1 else f"{well} are as they should be"
        lost = [f"{stuck} could not be planned"] if stuck else []
        text = ", ".join([f"{counted(changing, 'host')} would change", are, *lost])
        return line(Span(f"{text}.", Style.TITLE), Span(f"   exit {exit_code}", Style.QUIET))


def _doubt(event: TaskFinished) -> str:
    unexplained = event.status is Status.UNKNOWN and not event.message
    return "unknown until applied" if unexplained else ""


def _block(label: str, body: Sequence[Line], width: int) -> Iterator[Line]:
    """Put the label to the left of the body; above it, where it is too long."""
    margin = Span("  " + " " * (width + 2))
    if len(label) > width:
        yield line("  ", Span(label, Style.TITLE))
    else:
        yield line("  ", Span(label.ljust(width + 2), Style.TITLE), *body[0])
        body = body[1:]
    for row in body:
        yield line(margin, *row)


def fold_names(names: Sequence[str], order: Sequence[str], width: int = 90) -> str:
    """Name many hosts in few words: ``gpu-01 … gpu-16 (16 hosts)``.

    Only hosts that follow each other in ``order`` are folded, so that the words cannot be
    misread; what is longer than ``width`` is cut, the number stays.
    """
    place = {host: number for number, host in enumerate(order)}
    runs: list[list[str]] = []
    for name in names:
        if runs and place[name] == place[runs[-1][-1]] + 1:
            runs[-1].append(name)
        else:
            runs.append([name])
    text = ", ".join(_run_name(run) for run in runs)
    number = f" ({len(names)} hosts)" if len(names) > _NAMED else ""
    return fit(text, width - len(number)) + number


def _run_name(run: Sequence[str]) -> str:
    return ", ".join(run) if len(run) <= _NAMED else f"{run[0]} … {run[-1]}"
