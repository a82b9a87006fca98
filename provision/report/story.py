"""The lasting lines of a run: what is still worth reading when it is over."""

from __future__ import annotations

from provision.engine.events import (
    Event,
    HostRecap,
    HostUnreachable,
    PhaseFinished,
    PhaseStarted,
    RunFinished,
    RunStarted,
    Status,
    TaskFinished,
    TaskOutput,
)
from provision.errors import ExitCode
from provision.report.change import describe, diff_lines
from provision.report.failure import Failures
from provision.report.line import BLANK, Line, Span, Style, line
from provision.report.phases import Phases
from provision.report.plan import Plan
from provision.report.recap import recap_lines, trouble
from provision.report.text import clean, clean_lines, counted, duration, fit, fit_name

_HOST_WIDTH = 24
_PHASE_WIDTH = 12
_SUMMARY_WIDTH = 48
_VERBOSE = 1
_OUTPUT = 2
_ENDINGS: dict[int, str] = {
    ExitCode.UNVERIFIED: ", not verified",
    ExitCode.INTERRUPTED: ", interrupted",
}
_SLOW = 1.0  # seconds from which on a task's time is worth a word


class Story:
    """Turns events into lines.

    Args:
        verbosity: 0 tells changes, failures and phases; 1 also what was already right or skipped;
            2 also what commands print.
        diff: whether each change is followed by its diff.
        check: whether changes are told as a plan at the end, rather than as they happen.

    """

    def __init__(self, *, verbosity: int, diff: bool, check: bool) -> None:
        self._verbosity = verbosity
        self._diff = diff
        self._plan = Plan(diff=diff) if check else None
        self._phases = Phases()
        self._failures = Failures()
        self._host_width = 0
        self._phase_width = 0  # a run without phases spends no column on them

    def tell(self, event: Event) -> list[Line]:
        """Return what ``event`` adds to the story; often nothing."""
        match event:
            case RunStarted():
                self._host_width = min(_HOST_WIDTH, max(map(len, event.hosts), default=0))
            case PhaseStarted() | PhaseFinished():
                return self._tell_phase(event)
            case TaskOutput() if self._verbosity >= _OUTPUT:
                return [self._row(event.host, Span(text)) for text in clean_lines(event.text)]
            case TaskFinished():
                return self._tell_task(event)
            case HostUnreachable():
                return self._failures.unreachable(event)
            case RunFinished():
                return self._tell_end(event)
        return []

    def _tell_phase(self, event: PhaseStarted | PhaseFinished) -> list[Line]:
        self._phases.see(event)
        self._phase_width = max(_PHASE_WIDTH, self._phase_width, len(event.phase))
        if isinstance(event, PhaseStarted):
            return []
        style = Style.OK if event.ok else Style.FAILED
        summary = fit(clean(event.summary), _SUMMARY_WIDTH).ljust(_SUMMARY_WIDTH)
        time = duration(event.seconds).rjust(8)
        return [line(f"  {event.phase.ljust(self._phase_width)}  ", Span(summary, style), time)]

    def _tell_task(self, event: TaskFinished) -> list[Line]:
        phase = self._phases.of(event.host)
        if event.status in (Status.FAILED, Status.INTERRUPTED):
            return self._failures.task(event, phase)
        if self._plan:
            self._plan.see(event, phase)
            return []
        if event.status in (Status.CHANGED, Status.IGNORED, Status.UNKNOWN):
            diff = diff_lines(event.diff, 4) if self._diff else ()
            return [self._task_row(event, phase), *diff]
        return [self._task_row(event, phase)] if self._verbosity >= _VERBOSE else []

    def _task_row(self, event: TaskFinished, phase: str) -> Line:
        notes = [] if event.status in (Status.CHANGED, Status.OK) else [event.status.value]
        notes += [duration(event.seconds)] if event.seconds >= _SLOW else []
        where = (
            [Span(f"{phase.ljust(self._phase_width)}  ", Style.PLACE)] if self._phase_width else []
        )
        return self._row(event.host, *where, *describe(event, ", ".join(notes).replace("_", " ")))

    def _row(self, host: str, *content: Span) -> Line:
        name = fit_name(host, self._host_width).ljust(self._host_width)
        return line(Span(f"{name}  ", Style.TITLE), *content)

    def _tell_end(self, event: RunFinished) -> list[Line]:
        notes = [line(text) for note in event.notes for text in clean_lines(note)]
        if self._plan:
            return [BLANK, *self._plan.lines(event.recap, event.exit_code), *notes]
        return [BLANK, *recap_lines(event.recap), *notes, _verdict(event)]


def _verdict(event: RunFinished) -> Line:
    rows = event.recap.values()
    text = _sum_of(list(rows)) if event.recap else "no host was touched"
    style = Style.FAILED if event.exit_code else Style.OK
    text += _ENDINGS.get(event.exit_code, "")
    end = f"   {duration(event.seconds)}   exit {event.exit_code}"
    return line(Span(f"{text}.", style), Span(end, Style.QUIET))


def _sum_of(rows: list[HostRecap]) -> str:
    troubles = [trouble(row) for row in rows]
    words = {
        "failed": troubles.count("FAILED"),
        "unreachable": troubles.count("UNREACHABLE"),
    }
    bad = [f"{number} {word}" for word, number in words.items() if number]
    changes = sum(row.changed for row in rows)
    done = counted(changes, "change") if changes else "nothing to change"
    return ", ".join([counted(len(rows), "host"), done, *bad])
