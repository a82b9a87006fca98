from __future__ import annotations

from provision.engine.events import Status
from provision.report.html.record import record_of
from provision.report.html.timeline import timeline
from tests.unit.html_report.runs import Script, failed_deploy


def test_bars_are_where_and_as_long_as_the_work_was() -> None:
    run = Script("h1")
    run.begin("prepare")
    run.now += 25
    run.task("h1", "long", 50, status=Status.CHANGED)
    run.now += 25
    run.end("prepare")
    picture = timeline(record_of(run.finish(0)))
    (bar,) = picture.hosts[0].bars
    assert (bar.left, bar.width, bar.kind) == (25.0, 50.0, "changed")
    assert bar.title == "long · changed · 50 s"
    assert [tick.label for tick in picture.ticks] == ["0", "30 s", "1:00", "1:30"]
    assert picture.phases[0].time == "1:40"


def test_what_is_too_short_to_see_is_drawn_with_its_neighbours() -> None:
    run = Script("h1")
    run.begin("prepare")
    for number in range(100):
        status = Status.CHANGED if number == 50 else Status.OK
        run.task("h1", f"task {number}", 0.01, status=status)
    run.task("h1", "long", 99)
    run.end("prepare")
    quick, long = timeline(record_of(run.finish(0))).hosts[0].bars
    assert quick.title == "prepare: 100 tasks" and quick.kind == "changed"
    assert long.title.startswith("long") and long.kind == "ok"


def test_a_failure_and_a_lost_host_are_seen() -> None:
    rows = {row.name: row for row in timeline(record_of(failed_deploy())).hosts}
    assert rows["game-02"].kind == "failed" and rows["game-03"].kind == "lost"
    assert rows["game-03"].bars[-1].left + rows["game-03"].bars[-1].width == 100


def test_a_run_without_length_is_drawn() -> None:
    assert timeline(record_of(Script("h1").finish(0))).hosts[0].bars == []
