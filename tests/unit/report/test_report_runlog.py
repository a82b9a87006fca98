from __future__ import annotations

import io
import logging
from pathlib import Path

import pytest

from provision.engine.events import (
    Event,
    HostRecap,
    HostUnreachable,
    RunFinished,
    RunStarted,
    Status,
    TaskFinished,
)
from provision.errors import UsageError
from provision.report import RunLog, read_events

EVENTS: list[Event] = [
    RunStarted(at=1.0, run="20261103-101500", command="deploy", hosts=("h1",)),
    TaskFinished(at=2.0, host="h1", task="é\udcff", status=Status.CHANGED, log=("a", "b")),
    RunFinished(
        at=3.0, run="20261103-101500", exit_code=0, seconds=2.0, recap={"h1": HostRecap(changed=1)}
    ),
]


def record(directory: Path, *events: Event) -> Path:
    log = RunLog(directory)
    for event in events:
        log(event)
    log.close()
    return directory / "20261103-101500" / "events.jsonl"


def test_what_is_written_can_be_read_back(tmp_path: Path) -> None:
    path = record(tmp_path / ".provision" / "runs", *EVENTS)
    assert list(read_events(path)) == EVENTS


def test_only_the_owner_may_read_it(tmp_path: Path) -> None:
    path = record(tmp_path / "runs", *EVENTS)
    modes = [entry.stat().st_mode & 0o777 for entry in (path, path.parent, path.parent.parent)]
    assert modes == [0o600, 0o700, 0o700]


def test_a_killed_run_leaves_what_happened_before(tmp_path: Path) -> None:
    log = RunLog(tmp_path)
    log(EVENTS[0])
    log(EVENTS[1])  # and never closed
    path = tmp_path / "20261103-101500" / "events.jsonl"
    with path.open("a") as stream:
        stream.write('{"event": "run_fin')
    assert list(read_events(path)) == EVENTS[:2]
    log.close()


def test_nothing_is_written_before_the_run_has_a_name(tmp_path: Path) -> None:
    log = RunLog(tmp_path)
    log(HostUnreachable(host="h1", message="gone"))
    log.close()
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_costs_the_log_and_not_the_run(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = tmp_path / "20261103-101500"
    folder.mkdir()
    (folder / "events.jsonl").symlink_to("/dev/full")
    with caplog.at_level(logging.WARNING):
        record(tmp_path, *EVENTS)
    assert [entry.message for entry in caplog.records] == [
        "the log of this run is incomplete: [Errno 28] No space left on device"
    ]


def test_a_place_that_cannot_be_written_is_an_error_before_anything_happens(tmp_path: Path) -> None:
    (tmp_path / "runs").write_text("a file, not a folder")
    with pytest.raises(UsageError, match="cannot be written") as caught:
        record(tmp_path / "runs", *EVENTS)
    assert str(tmp_path / "runs") in str(caught.value)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{}\n", ":2: not an event of a run: unknown event None"),
        ("[]\n", ":2: not an event"),
        ("nonsense\n", ":2: not an event"),
        ('{"event": "task_finished", "status": "great"}\n', ":2: not an event"),
        ('{"event": ["x"]}\n', ":2: not an event"),
    ],
)
def test_a_broken_line_is_named(tmp_path: Path, text: str, words: str) -> None:
    path = record(tmp_path, EVENTS[0])
    with path.open("a") as stream:
        stream.write(text)
    with pytest.raises(UsageError) as caught:
        list(read_events(path))
    assert words in str(caught.value)


def test_a_missing_log_is_a_clear_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="not a readable run log"):
        list(read_events(tmp_path / "none.jsonl"))


def test_a_binary_file_is_a_clear_error(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    path.write_bytes(io.BytesIO(b"\xff\xfe\n").getvalue())
    with pytest.raises(UsageError, match="not a readable run log"):
        list(read_events(path))
