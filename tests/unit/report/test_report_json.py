from __future__ import annotations

import io
import json

import pytest

from provision.engine import events
from provision.engine.events import (
    Event,
    HostDescribed,
    HostRecap,
    HostReleased,
    HostUnreachable,
    RunFinished,
    RunStarted,
    Status,
    TaskFinished,
    TaskProgress,
)
from provision.report.codec import decode, encode, kind_name
from provision.report.jsonlines import JsonLines

LINES: list[tuple[Event, str]] = [
    (
        RunStarted(at=1.5, run="r1", command="deploy", hosts=("a", "b")),
        '{"event": "run_started", "at": 1.5, "run": "r1", "command": "deploy",'
        ' "hosts": ["a", "b"], "check": false, "by": ""}',
    ),
    (
        TaskProgress(at=2.0, host="a", task="pull", label="redis", done=3, total=None),
        '{"event": "task_progress", "at": 2.0, "host": "a", "task": "pull", "label": "redis",'
        ' "done": 3, "total": null, "unit": "bytes"}',
    ),
    (
        TaskFinished(at=3.0, host="a", task="t", status=Status.NOT_RUN, log=("x\n\x1b[2J",)),
        '{"event": "task_finished", "at": 3.0, "host": "a", "task": "t", "status": "not_run",'
        ' "message": "", "expected": "", "found": "", "log": ["x\\n\\u001b[2J"], "hint": "",'
        ' "diff": "", "seconds": 0.0, "tags": []}',
    ),
    (
        HostUnreachable(at=4.0, host="b", message="caf\u00e9 \udcff"),
        '{"event": "host_unreachable", "at": 4.0, "host": "b",'
        ' "message": "caf\\u00e9 \\udcff", "hint": ""}',
    ),
    (
        HostDescribed(at=4.2, host="a", versions={"kernel": "6.12"}),
        '{"event": "host_described", "at": 4.2, "host": "a", "versions": {"kernel": "6.12"}}',
    ),
    (
        HostReleased(at=4.5, host="a", role="web", release="r2", replaced="", images={"i": "i@d"}),
        '{"event": "host_released", "at": 4.5, "host": "a", "role": "web", "release": "r2",'
        ' "replaced": "", "images": {"i": "i@d"}}',
    ),
    (
        RunFinished(at=5.0, run="r1", exit_code=3, seconds=4.0, recap={"a": HostRecap(ok=2)}),
        '{"event": "run_finished", "at": 5.0, "run": "r1", "exit_code": 3, "seconds": 4.0,'
        ' "recap": {"a": {"ok": 2, "changed": 0, "unreachable": 0, "failed": 0, "interrupted": 0,'
        ' "skipped": 0, "seconds": 0.0}}, "notes": []}',
    ),
]


@pytest.mark.parametrize(("event", "line"), LINES, ids=[kind_name(type(e)) for e, _ in LINES])
def test_each_event_is_one_line(event: Event, line: str) -> None:
    stream = io.StringIO()
    JsonLines(stream)(event)
    assert stream.getvalue() == line + "\n"
    assert decode(json.loads(line)) == event


def test_every_kind_of_event_has_a_name() -> None:
    abstract = {Event, events.HostEvent}
    pending, kinds = [Event], set()
    while pending:
        kind = pending.pop()
        kinds.add(kind)
        pending += kind.__subclasses__()
    for kind in kinds - abstract:
        with pytest.raises(ValueError, match="lacks one of"):
            decode({"event": kind_name(kind)})


def test_fields_of_a_newer_version_are_ignored() -> None:
    event = HostUnreachable(at=1.0, host="a", message="gone")
    assert decode({**encode(event), "since": 3}) == event


@pytest.mark.parametrize("content", [{}, {"event": "party"}, {"event": "run_started"}])
def test_what_is_no_event_is_refused(content: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"unknown event|lacks one of"):
        decode(content)


class GoneReader(io.StringIO):
    writes = 0

    def write(self, text: str) -> int:
        self.writes += 1
        raise BrokenPipeError


def test_a_reader_that_goes_away_does_not_end_the_run() -> None:
    stream = GoneReader()
    listener = JsonLines(stream)
    for _ in range(3):
        listener(HostUnreachable(host="a", message="gone"))
    assert stream.writes == 1
