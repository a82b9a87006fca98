"""What ``provision status`` prints: a table of what runs where, and how the training goes."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any, TextIO

from provision.engine.status.gpus import Gpu
from provision.engine.status.services import ServiceStatus
from provision.engine.status.status import HostStatus, Status
from provision.engine.status.training import MEASURES, Measure, Training
from provision.report import can_draw
from provision.report.line import BLANK, Line, Span, Style, as_text, line
from provision.report.mixed import few_names, mixed_lines, short_image
from provision.report.sink import Sink
from provision.report.text import clean, duration, fit, fit_name

_TITLES = ("host", "role", "release", "service", "state", "up", "restarts", "image", "drift")
# Which columns give way to the others where there is too little room, in this order.
_NARROWEST = {
    "image": 10,
    "release": 7,
    "host": 8,
    "drift": 6,
    "service": 12,
    "state": 9,
    "role": 12,
}
_WIDTH = 100  # columns
_GAP = 2
_DAY = 86400.0
_PRECISE_BELOW = 0.1  # a share below this gets a decimal
_BAR = 30  # characters of a share's bar
_LOG_INDENT = "      "


class StatusPrinter:
    """Prints on ``stream``: text for people, or one JSON document, and progress as JSON lines."""

    def __init__(self, stream: TextIO, *, json: bool = False) -> None:
        self._stream = stream
        self._json = json

    def progress(self, training: Training, seconds: float) -> None:
        """Print one line."""
        if self._json:
            self._dump({"seconds": round(seconds, 1), "training": asdict(training)})
        else:
            self._print(lambda _: [progress_line(training, seconds)])

    def status(self, status: Status) -> None:
        """Print everything."""
        if self._json:
            self._dump(status_json(status))
        else:
            self._print(lambda width: status_lines(status, width))

    def _dump(self, document: Mapping[str, Any]) -> None:
        Sink(self._stream).write(json.dumps(document))

    def _print(self, lines: Callable[[int], list[Line]]) -> None:
        """Print lines made for a width: a terminal's, where it has more than what all have."""
        if not (self._stream.isatty() and can_draw(self._stream, os.environ)):
            Sink(self._stream).write(*map(as_text, lines(_WIDTH)))
            return
        from rich.console import Console

        from provision.report.console import rich_text

        console = Console(file=self._stream, highlight=False)
        console.print(rich_text(lines(max(_WIDTH, console.width))), soft_wrap=True)


def status_lines(status: Status, width: int = _WIDTH) -> list[Line]:
    """Return the table and what follows it, at most ``width`` columns wide."""
    rows = [_cells(host, row) for host in status.hosts for row in host.services]
    widths = _widths([dict(zip(_TITLES, _TITLES, strict=True)), *rows], status, width)
    lines = [line(Span(_padded(dict(zip(_TITLES, _TITLES, strict=True)), widths), Style.TITLE))]
    for host in status.hosts:
        lines += _host_lines(host, widths)
    lines += mixed_lines(status)
    if status.training is not None:
        lines += [BLANK, *training_lines(status.training)]
    return [*lines, BLANK, _verdict(status)]


def _cells(host: HostStatus, row: ServiceStatus) -> dict[str, str]:
    return {
        "host": host.name,
        "role": row.role,
        "release": host.releases.get(row.role, ""),
        "service": row.name,
        "state": clean(row.state),
        "up": "" if row.uptime is None else _age(row.uptime),
        "restarts": str(row.restarts),
        "image": short_image(clean(row.image)),
        "drift": ", ".join(row.drift) or "none",
    }


def _age(seconds: float) -> str:
    return f"{seconds / _DAY:.0f} d" if seconds >= 2 * _DAY else duration(seconds)


def _widths(rows: list[dict[str, str]], status: Status, width: int) -> dict[str, int]:
    """Return each column's width; where there is too little room, the image gives way first."""
    widths = {title: max(len(row[title]) for row in rows) for title in _TITLES}
    widths["host"] = max([widths["host"], *(len(host.name) for host in status.hosts)])
    for title, least in _NARROWEST.items():
        excess = sum(widths.values()) + _GAP * (len(_TITLES) - 1) - width
        widths[title] = max(min(least, widths[title]), widths[title] - max(0, excess))
    return widths


def _padded(cells: Mapping[str, str], widths: Mapping[str, int]) -> str:
    gap = " " * _GAP
    return gap.join(_cell(cells[title], title, widths[title]) for title in _TITLES)


def _cell(text: str, title: str, width: int) -> str:
    if title in ("up", "restarts"):
        return text.rjust(width)
    return (fit_name if title == "host" else fit)(text, width).ljust(width)


def _host_lines(host: HostStatus, widths: Mapping[str, int]) -> list[Line]:
    lines: list[Line] = []
    shown_role = ""
    for number, row in enumerate(host.services):
        cells = _cells(host, row)
        if number:
            cells["host"] = ""
        if row.role == shown_role:
            cells["role"] = cells["release"] = ""
        shown_role = row.role
        lines.append(_row(cells, row, widths))
        if row.last_words and not row.is_well:
            lines.append(line(Span(f"{_LOG_INDENT}{clean(row.last_words)}", Style.FAILED)))
    lines += [line(f"{_LOG_INDENT}{_gpu(gpu)}") for gpu in host.gpus]
    if host.reboot:
        text = f"{_LOG_INDENT}reboot pending: {clean(host.reboot)}"
        lines.append(line(Span(text, Style.CHANGED)))
    lines += _lock_lines(host)
    if host.problem or not host.is_reachable:
        name = _cell("" if lines else host.name, "host", widths["host"])
        what = "" if host.is_reachable else "UNREACHABLE  "
        text = f"{name}  {what}{clean(host.problem)}"
        lines.append(line(Span(text, Style.FAILED)))
    return lines


def _lock_lines(host: HostStatus) -> list[Line]:
    if host.at_work:
        return [line(Span(f"{_LOG_INDENT}at work: {clean(host.at_work)}", Style.CHANGED))]
    if host.cut_off:
        text = f"{_LOG_INDENT}cut off in the middle: {clean(host.cut_off)}; run it again"
        return [line(Span(text, Style.FAILED))]
    return []


def _row(cells: Mapping[str, str], row: ServiceStatus, widths: Mapping[str, int]) -> Line:
    styles = {
        "state": Style.OK if row.is_well else Style.FAILED,
        "restarts": Style.CHANGED if row.restarts else Style.QUIET,
        "drift": Style.CHANGED if row.drift else Style.QUIET,
        "image": Style.QUIET,
        "release": Style.QUIET,
    }
    gap = " " * _GAP
    spans = [
        Span(_cell(cells[title], title, widths[title]) + gap, styles.get(title, Style.NORMAL))
        for title in _TITLES
    ]
    return line(*spans)


def _gpu(gpu: Gpu) -> str:
    return clean(
        f"GPU {gpu.index}  {gpu.name}  {gpu.utilization} %"
        f"  {gpu.memory_used} of {gpu.memory_total} MiB  {gpu.temperature} °C"
    )


def training_lines(training: Training) -> list[Line]:
    """Return the numbers of the training, two lines of them."""
    if training.problem:
        return [line(Span(f"training  {clean(training.problem)}", Style.FAILED))]
    shown = {measure.name: f"{measure.title} {_number(training, measure)}" for measure in MEASURES}
    speed = "   ".join(shown[name] for name in ("games", "steps", "buffer_fill", "updates", "loss"))
    result = "   ".join(shown[name] for name in ("win_rate", "version", "promoted"))
    agents = "  ".join(f"{name}: {version}" for name, version in training.agents.items())
    return [
        line(Span("training  ", Style.TITLE), speed),
        line(f"          {result}"),
        *([line(fit(f"          agents play {clean(agents)}", 100))] if agents else []),
        line(f"          {training.url}"),
    ]


def progress_line(training: Training, seconds: float) -> Line:
    """Return the training at one moment, for a list of them that shows how it goes."""
    if training.problem:
        return line(f"{duration(seconds):>7}  {clean(training.problem)}")
    by_name = {measure.name: _number(training, measure) for measure in MEASURES}
    share = training.values.get("win_rate")
    bar = "" if share is None else "█" * round(share * _BAR)
    return line(
        f"{duration(seconds):>7}  games/s {by_name['games']:>5}  updates/s {by_name['updates']:>5}"
        f"  loss {by_name['loss']:>7}  model {by_name['version']:>4}"
        f"  wins {by_name['win_rate']:>5} ",
        Span(bar, Style.OK),
    )


def _number(training: Training, measure: Measure) -> str:
    value = training.values.get(measure.name)
    if value is None:
        return "-"
    if measure.kind == "share":
        return f"{100 * value:.1f} %" if value < _PRECISE_BELOW else f"{100 * value:.0f} %"
    if measure.kind == "count":
        return f"{value:.0f}"
    return f"{value:.4f}" if measure.kind == "number" else f"{value:.1f}"


def _verdict(status: Status) -> Line:
    lost = [host.name for host in status.hosts if not host.is_reachable]
    ill = [host.name for host in status.hosts if host.is_reachable and not host.is_well]
    drifted = [it.name for it in status.hosts if any(row.drift for row in it.services)]
    parts = [
        f"{len(names)} {what} ({few_names(names)})"
        for names, what in ((lost, "unreachable"), (ill, "not well"), (drifted, "drifted"))
        if names
    ]
    count = len(status.hosts)
    hosts = "1 host" if count == 1 else f"{count} hosts"
    if not parts:
        return line(Span(f"{hosts}, all as declared", Style.OK))
    return line(
        Span(f"{hosts}: {'; '.join(parts)}", Style.FAILED if lost or ill else Style.CHANGED)
    )


def status_json(status: Status) -> dict[str, Any]:
    """Return the same for programs."""
    hosts = [
        asdict(host)
        | {"is_well": host.is_well}
        | {"services": [asdict(row) | {"is_well": row.is_well} for row in host.services]}
        for host in status.hosts
    ]
    return {"hosts": hosts, "training": asdict(status.training) if status.training else None}
