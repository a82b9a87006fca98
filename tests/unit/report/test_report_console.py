"""The live view on a recording terminal of 100 columns, and on a real pseudo-terminal."""

from __future__ import annotations

import contextlib
import io
import json
import os
import pty
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TextIO

from rich.console import Console

from provision.engine.events import (
    RunStarted,
    Status,
    TaskFinished,
    TaskProgress,
    TaskStarted,
)
from provision.report.codec import encode
from provision.report.console import LiveConsole
from provision.report.story import Story

HIDE, SHOW = "\x1b[?25l", "\x1b[?25h"


class CountingStream(io.StringIO):
    writes = 0

    def write(self, text: str) -> int:
        self.writes += 1
        return super().write(text)


def live(stream: TextIO) -> LiveConsole:
    console = Console(file=stream, width=100, height=30, force_terminal=True, highlight=False)
    return LiveConsole(console, Story(verbosity=0, diff=False, check=False))


def wait_for(stream: io.StringIO, text: str) -> None:
    deadline = time.monotonic() + 5
    while text not in stream.getvalue():
        assert time.monotonic() < deadline, f"{text!r} was never drawn"
        time.sleep(0.02)


def test_busy_hosts_are_drawn_and_taken_away() -> None:
    stream = io.StringIO()
    listener = live(stream)
    hosts = tuple(f"gpu-{number:02}" for number in range(30))
    listener(RunStarted(run="r", command="deploy", hosts=hosts))
    for host in hosts:
        listener(TaskStarted(host=host, task="pull images"))
        listener(
            TaskProgress(host=host, task="pull images", label="", done=1, total=2, unit="steps")
        )
    wait_for(stream, "█" * 10)
    wait_for(stream, "more")
    listener(TaskFinished(host="gpu-03", task="pull [red]images[/red]", status=Status.FAILED))
    wait_for(stream, "FAILED  pull [red]images[/red] on gpu-03")
    listener.close()
    listener.close()
    assert stream.getvalue().count(HIDE) == stream.getvalue().count(SHOW) == 1


def test_a_storm_of_events_is_drawn_in_few_pictures() -> None:
    stream = CountingStream()
    listener = live(stream)
    hosts = tuple(f"h{number}" for number in range(200))
    listener(RunStarted(run="r", command="deploy", hosts=hosts))
    for number in range(25):
        for host in hosts:
            listener(TaskFinished(host=host, task=f"t{number}", status=Status.CHANGED))
    listener.close()
    assert stream.getvalue().count("~") == 5000
    assert stream.writes < 100


def test_ctrl_c_gives_the_terminal_back(tmp_path: Path) -> None:
    log = tmp_path / "events.jsonl"
    now = time.time()
    events = [
        RunStarted(at=now, run="r", command="deploy", hosts=("h1",)),
        TaskStarted(at=now, host="h1", task="a long task"),
        TaskStarted(at=now + 60, host="h1", task="never seen"),
    ]
    log.write_text("".join(json.dumps(encode(event)) + "\n" for event in events))
    leader, follower = pty.openpty()
    environ = {key: value for key, value in os.environ.items() if key not in ("CI", "NO_COLOR")}
    process = subprocess.Popen(
        [sys.executable, "-m", "provision.report.replay", str(log)],
        stdin=follower,
        stdout=follower,
        stderr=follower,
        env={**environ, "TERM": "xterm-256color", "PYTHONUTF8": "1"},
    )
    os.close(follower)
    shown = read_until(leader, "a long task")
    process.send_signal(signal.SIGINT)
    shown += read_until(leader, SHOW)
    assert process.wait(timeout=10) == 130
    os.close(leader)
    assert shown.count(HIDE) == 1
    assert "Traceback" not in shown


def test_a_terminal_that_was_closed_ends_nothing() -> None:
    leader, follower = pty.openpty()
    with os.fdopen(follower, "w", encoding="utf-8") as stream:
        listener = live(stream)
        listener(RunStarted(run="r", command="deploy", hosts=("h1",)))
        read_until(leader, "Ctrl-C")
        os.close(leader)
        listener(TaskFinished(host="h1", task="t", status=Status.CHANGED))
        listener.close()
        with contextlib.suppress(OSError):
            stream.close()


def read_until(descriptor: int, text: str) -> str:
    shown = ""
    for _ in range(1000):
        shown += os.read(descriptor, 4096).decode(errors="replace")
        if text in shown:
            return shown
    raise AssertionError(f"{text!r} did not appear in {shown!r}")
