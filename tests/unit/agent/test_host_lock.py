"""The lock of a host: one holder, who is named, and nothing left behind."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from provision.agent import lock_file
from provision.agent.failure import Failure
from provision.agent.host_programs import Emitter
from provision.agent.resources.host_lock import LockGive, LockTake
from provision.agent.resources.lock_holder import LockRelease, LockStatus
from provision.agent.system import System

HOLD = """
import sys, time
from provision.agent import lock_file
from provision.agent.resources.host_lock import LockTake
from provision.agent.system import System
lock_file.PATH = sys.argv[1]
LockTake(by="ana@laptop", command="deploy", run="r1").answer(System())
print("held", flush=True)
time.sleep(60)
"""


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A lock of the test's own, looked at often."""
    monkeypatch.setattr(lock_file, "PATH", str(tmp_path / "run/lock"))
    monkeypatch.setattr("provision.agent.resources.host_lock._POLL", 0.05)
    return lock_file.PATH


@pytest.fixture
def holder(path: str) -> Iterator[subprocess.Popen[str]]:
    """Another process that holds it."""
    argv = [sys.executable, "-c", HOLD, path]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        yield process
        process.kill()


def take(system: System, wait: float = 0) -> dict[str, Any]:
    return LockTake(by="bob@desk", command="rollback", run="r2", wait=wait).answer(system)


def test_a_lock_is_held_until_the_session_ends(path: str) -> None:
    system = System()
    assert take(system) == {}
    assert LockStatus().answer(System())["record"]["by"] == "bob@desk"
    with pytest.raises(Failure, match="another run has the lock"):
        take(System())
    os.close(system.memo["host lock"])
    assert not LockStatus().answer(System())["held"]


def test_the_end_of_a_session_leaves_no_record(path: str) -> None:
    system = System()
    take(system)
    for end in system.at_end:
        end()
    assert Path(path).read_text() == ""


def test_a_run_that_was_cut_off_leaves_its_name(path: str) -> None:
    system = System()
    system.is_cut_off = lambda: True
    take(system)
    for end in system.at_end:
        end()
    assert LockStatus().answer(System())["record"]["run"] == "r2"
    assert take(System()) == {}, "a run takes its own lock again, and says nothing of it"


def test_a_lock_is_given_back_before_the_end(path: str) -> None:
    system = System()
    take(system)
    LockGive().answer(system)
    LockGive().answer(system)  # nothing to give
    assert not LockStatus().answer(System())["held"]
    another = System()
    assert take(another) == {}
    for end in system.at_end:
        end()
    assert LockStatus().answer(System())["record"], "another one has it by now"


@pytest.mark.usefixtures("holder")
def test_who_is_refused_is_told_by_whom() -> None:
    with pytest.raises(Failure) as caught:
        take(System())
    assert caught.value.found.startswith("ana@laptop: provision deploy, run r1, since 20")


def test_waiting_outlasts_the_holder(holder: subprocess.Popen[str]) -> None:
    holder.send_signal(signal.SIGTERM)
    assert take(System(), wait=20)["taken_over"]["run"] == "r1"


class Heard(Emitter):
    """What is said while something goes on."""

    def __init__(self) -> None:
        self.labels: set[str] = set()

    def progress(self, label: str, done: int, total: int | None, unit: str) -> None:
        """Keep what it is about."""
        self.labels.add(label)


@pytest.mark.usefixtures("holder")
def test_waiting_says_for_whom_and_ends() -> None:
    heard = Heard()
    started = time.monotonic()
    with pytest.raises(Failure):
        take(System(heard), wait=0.4)
    assert time.monotonic() - started >= 0.4
    (label,) = heard.labels
    assert label.startswith("waits for ana@laptop: provision deploy, run r1, since 20")


def test_a_killed_holder_is_named(holder: subprocess.Popen[str], path: str) -> None:
    holder.kill()
    holder.wait()
    assert LockStatus().answer(System()) == {
        "held": False,
        "record": json.loads(Path(path).read_text()),
        "now": pytest.approx(time.time(), abs=60),
    }
    assert take(System())["taken_over"]["by"] == "ana@laptop"


def test_a_lock_is_taken_away_with_its_holder(holder: subprocess.Popen[str], path: str) -> None:
    assert LockRelease().answer(System())["ended"]["run"] == "r1"
    assert holder.wait(10) == -signal.SIGTERM
    assert Path(path).read_text() == ""


@pytest.mark.usefixtures("path")
def test_nobody_holds_what_was_never_taken() -> None:
    assert LockStatus().answer(System()) == {"held": False}
    assert LockRelease().answer(System()) == {}
