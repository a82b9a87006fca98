"""What a host makes of its history, and who holds it."""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from provision.agent.failure import Failure
from provision.agent.releases import past
from provision.agent.resources import host_lock
from provision.agent.resources.host_lock import LockRelease, LockStatus, LockTake
from provision.agent.system import System


def steps(*lines: str) -> list[dict[str, Any]]:
    """Return lines of history; each is ``action release``."""
    pairs = (line.partition(" ") for line in lines)
    return [{"action": action, "release": release} for action, _, release in pairs]


@pytest.mark.parametrize(
    ("lines", "current", "expected"),
    [
        ([], "", []),
        (["deploy a", "deploy b"], "b", ["a", "b"]),
        (["deploy a", "deploy b", "deploy c", "rollback b"], "b", ["a", "b"]),
        (["deploy a", "deploy b", "rollback a", "deploy c"], "c", ["a", "c"]),
        (["deploy a", "deploy b", "undo a"], "a", ["a"]),
        (["deploy a", "failed b"], "a", ["a"]),
        (["deploy a", "deploy b", "rollback z"], "z", ["a", "b", "z"]),
        (["deploy a", "deploy b"], "c", ["a", "b", "c"]),  # killed before the line was written
        (["deploy a", "destroy ", "deploy b"], "b", ["b"]),
        (["deploy a", "deploy b", "deploy a", "rollback b"], "b", ["a", "b"]),
    ],
)
def test_what_going_back_walks_along(lines: list[str], current: str, expected: list[str]) -> None:
    assert past(steps(*lines), current) == expected


def test_a_line_that_was_torn_does_not_spoil_the_next(tmp_path: Path) -> None:
    path = tmp_path / "history.jsonl"
    path.write_text('{"a": 1}\n{"b"')
    System().append_line(str(path), '{"c": 3}')
    assert path.read_text().splitlines() == ['{"a": 1}', '{"b"', '{"c": 3}']


def test_a_disk_that_takes_the_beginning_of_a_line_keeps_none_of_it(tmp_path: Path) -> None:
    path = tmp_path / "history.jsonl"
    path.write_text('{"a": 1}\n')
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (12, hard))
    try:
        with pytest.raises(Failure, match="File too large"):
            System().append_line(str(path), '{"b": 2}')
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert path.read_text() == '{"a": 1}\n'


# -- the lock -------------------------------------------------------------------------------

HOLD = """
import sys, time
from provision.agent.resources import host_lock
from provision.agent.system import System
host_lock.PATH = sys.argv[1]
host_lock.LockTake(by="ana@laptop", command="deploy", run="r1").answer(System())
print("held", flush=True)
time.sleep(60)
"""


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A lock of the test's own."""
    monkeypatch.setattr(host_lock, "PATH", str(tmp_path / "run/lock"))
    return host_lock.PATH


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


@pytest.mark.usefixtures("holder")
def test_who_is_refused_is_told_by_whom() -> None:
    with pytest.raises(Failure) as caught:
        take(System())
    assert caught.value.found.startswith("ana@laptop: provision deploy, run r1, since 20")


def test_waiting_outlasts_the_holder(holder: subprocess.Popen[str]) -> None:
    holder.send_signal(signal.SIGTERM)
    assert take(System(), wait=20)["taken_over"]["run"] == "r1"


@pytest.mark.usefixtures("holder")
def test_waiting_ends() -> None:
    started = time.monotonic()
    with pytest.raises(Failure):
        take(System(), wait=1)
    assert time.monotonic() - started >= 1


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
