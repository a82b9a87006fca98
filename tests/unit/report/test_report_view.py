"""The moving part, as a pure function of what happened and the time."""

from __future__ import annotations

import pytest

from provision.engine.events import (
    Event,
    HostUnreachable,
    PhaseFinished,
    PhaseStarted,
    RunStarted,
    Status,
    TaskFinished,
    TaskOutput,
    TaskProgress,
    TaskStarted,
)
from provision.report.activity import Activity
from provision.report.line import as_text
from provision.report.view import view_lines

MIB = 1024 * 1024


def view(*events: Event, now: float, height: int = 40, width: int = 100) -> list[str]:
    activity = Activity()
    for event in events:
        activity.see(event)
    return [as_text(line) for line in view_lines(activity, now, width, height)]


def start(*hosts: str, check: bool = False) -> RunStarted:
    return RunStarted(at=100.0, run="r", command="deploy", hosts=hosts, check=check)


def test_nothing_is_drawn_before_the_run() -> None:
    assert view(now=1e9) == []


def test_a_line_per_phase_and_busy_host() -> None:
    lines = view(
        start("gpu-01", "gpu-02", "gpu-03"),
        PhaseStarted(at=100.0, phase="lint"),
        PhaseFinished(at=101.0, phase="lint", ok=True, summary="", seconds=1.0),
        PhaseStarted(at=101.0, phase="prepare", hosts=("gpu-01", "gpu-02", "gpu-03")),
        TaskStarted(at=102.0, host="gpu-02", task="driver"),
        TaskOutput(
            at=103.0, host="gpu-02", task="driver", stream="stdout", text="a\n\x1b[1mCC x\n"
        ),
        TaskStarted(at=101.0, host="gpu-01", task="pull images"),
        TaskProgress(
            at=104.0,
            host="gpu-01",
            task="pull images",
            label="redis",
            done=60 * MIB,
            total=120 * MIB,
        ),
        TaskFinished(at=110.0, host="gpu-03", task="x", status=Status.CHANGED),
        now=231.0,
    )
    assert lines == [
        "  prepare            2 of 3 at work" + "2:10".rjust(65),
        "    gpu-01  pull images · redis".ljust(54)
        + "██████████░░░░░░░░░░    60 of 120 MiB     2:10",
        "    gpu-02  driver · CC x" + "2:09".rjust(75),
        "  2:11 · 1 change · 0 failed · Ctrl-C stops and unlocks; run again to go on",
    ]


def test_progress_without_a_total_has_no_bar() -> None:
    progress = TaskProgress(
        at=101.0, host="a", task="pull", label="pull", done=5, total=None, unit="layers"
    )
    assert view(start("a"), progress, now=102.0)[0].split() == [
        "a",
        "pull",
        "5",
        "layers",
        "1.0",
        "s",
    ]


@pytest.mark.parametrize(
    ("done", "total", "bar"), [(0, 10, 0), (10, 10, 20), (30, 10, 20), (-5, 10, 0)]
)
def test_a_bar_keeps_its_bounds(done: int, total: int, bar: int) -> None:
    progress = TaskProgress(at=101.0, host="a", task="t", label="", done=done, total=total, unit="")
    row = view(start("a"), progress, now=102.0)[0]
    assert row.count("█") == bar
    assert row.count("█") + row.count("░") == 20


def test_the_slowest_hosts_are_kept_when_not_all_fit() -> None:
    hosts = [f"gpu-{number:02}" for number in range(1, 31)]
    started = [
        TaskStarted(at=200.0 - number, host=host, task="t") for number, host in enumerate(hosts)
    ]
    lines = view(start(*hosts), *started, now=300.0, height=24)
    assert len(lines) <= 24 * 3 / 4
    named = [line.split()[0] for line in lines if line.startswith("    gpu")]
    assert named == hosts[-len(named) :]
    assert f"    …and {30 - len(named)} more" in lines


def test_all_hosts_are_shown_where_they_fit() -> None:
    hosts = [f"gpu-{number:02}" for number in range(1, 31)]
    started = [TaskStarted(at=150.0, host=host, task="t") for host in reversed(hosts)]
    lines = view(start(*hosts), *started, now=300.0, height=60)
    assert [line.split()[0] for line in lines[:-1]] == hosts


def test_a_tiny_terminal_still_shows_something_within_its_width() -> None:
    hosts = [f"a-host-with-a-name-{number}.example.net" for number in range(9)]
    events = [TaskStarted(at=101.0, host=host, task="some long task " * 9) for host in hosts]
    lines = view(start(*hosts), *events, now=102.0, height=6, width=60)
    assert len([line for line in lines if "some long" in line]) == 2
    assert all(len(line) <= 60 for line in lines[:-1])


def test_a_host_between_tasks_lingers_for_a_moment() -> None:
    events = [
        start("a"),
        TaskStarted(at=101.0, host="a", task="t"),
        TaskFinished(at=102.0, host="a", task="t", status=Status.OK),
    ]
    assert "1.0 s" in view(*events, now=102.3)[0]
    assert len(view(*events, now=103.0)) == 1


def test_a_lost_host_leaves_the_view_and_counts() -> None:
    lines = view(
        start("a", check=True),
        TaskStarted(at=101.0, host="a", task="t"),
        HostUnreachable(at=102.0, host="a", message="gone"),
        now=103.0,
    )
    assert lines == [
        "  3.0 s · 0 changes to make · 1 failed · Ctrl-C is safe: nothing is being changed"
    ]
