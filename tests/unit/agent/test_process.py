"""Programs on a real machine."""

from __future__ import annotations

import subprocess
import time
from pathlib import Path

import pytest

from provision.agent.failure import Cancelled, Failure
from provision.agent.system import Emitter, System

THREE_MB = 3_000_000


@pytest.fixture(autouse=True)
def looks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Look often at the clock and at a cancellation."""
    monkeypatch.setattr("provision.agent.process._POLL", 0.05)


class Heard(Emitter):
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.pieces: list[tuple[str, str]] = []

    def output(self, stream: str, text: str) -> None:
        self.pieces.append((stream, text))


def runs(marker: str) -> bool:
    """Tell whether a process with that argument is still there."""
    return subprocess.run(["pgrep", "-f", marker], capture_output=True, check=False).returncode == 0


def test_output_and_exit_code() -> None:
    done = System().run(["sh", "-c", "echo out; echo err >&2; exit 3"])
    assert done == (3, "out\n", "err\n")


def test_a_program_that_is_not_there() -> None:
    with pytest.raises(Failure, match="cannot run nonsense: No such file"):
        System().run(["nonsense"])


def test_a_minimal_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET_OF_OURS", "x")
    done = System().run(["env"], env={"MORE": "1"})
    variables = dict(line.split("=", 1) for line in done.stdout.splitlines())
    assert "SECRET_OF_OURS" not in variables
    assert (variables["MORE"], variables["LC_ALL"]) == ("1", "C.UTF-8")
    assert "/usr/sbin" in variables["PATH"]


def test_both_outputs_may_be_large_at_once() -> None:
    script = f"head -c {THREE_MB} /dev/zero; head -c {THREE_MB} /dev/zero >&2"
    both = f"({script}) & ({script}); wait"
    done = System().run(["sh", "-c", both], timeout=30)
    assert (len(done.stdout), len(done.stderr)) == (2 * THREE_MB, 2 * THREE_MB)


def test_large_input_comes_back() -> None:
    assert System().run(["cat"], input=b"x" * THREE_MB).stdout == "x" * THREE_MB


def test_input_that_nobody_reads() -> None:
    assert System().run(["true"], input=b"x" * THREE_MB).returncode == 0


def test_without_input_there_is_none() -> None:
    assert System().run(["cat"], timeout=5).stdout == ""


def test_a_timeout_ends_the_whole_group() -> None:
    started = time.monotonic()
    with pytest.raises(Failure, match=r"sh did not end within 0\.3 s"):
        System().run(["sh", "-c", "sleep 4711.1 & sleep 4711.1"], timeout=0.3)
    assert time.monotonic() - started < 5
    assert not runs("sleep 4711.1")


def test_a_program_that_ignores_the_polite_end_is_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("provision.agent.process._GRACE", 0.1)
    with pytest.raises(Failure, match="did not end"):
        System().run(["sh", "-c", "trap '' TERM; sleep 4711.2; sleep 4711.2"], timeout=0.3)
    assert not runs("sleep 4711.2")


def test_cancelled_where_that_is_allowed() -> None:
    system = System()
    begun = time.monotonic()
    system.is_cancelled = lambda: time.monotonic() - begun > 0.1
    with pytest.raises(Cancelled):
        system.run(["sleep", "4711.3"], interruptible=True)
    assert not runs("sleep 4711.3")
    assert system.run(["sh", "-c", "sleep 0.3; echo whole"]).stdout == "whole\n"


def test_a_daemon_that_keeps_the_pipes_does_not_hold_us() -> None:
    started = time.monotonic()
    done = System().run(["sh", "-c", "echo started; sleep 6 & exit 0"])
    assert done.stdout == "started\n"
    assert time.monotonic() - started < 3


def test_live_output_comes_in_pieces() -> None:
    heard = Heard()
    System(heard).run(["sh", "-c", "echo 1; sleep 0.2; echo 2 >&2"], live=True)
    assert heard.pieces == [("stdout", "1\n"), ("stderr", "2\n")]


def test_a_character_cut_in_two_is_kept(tmp_path: Path) -> None:
    script = r"printf '\303'; sleep 0.2; printf '\274'"
    assert System().run(["sh", "-c", script]).stdout == "ü"


def test_must_run_shows_the_end_of_the_output() -> None:
    script = "seq 100; echo; echo why >&2; exit 1"
    with pytest.raises(Failure, match="exited with 1") as caught:
        System().must_run(["sh", "-c", script], hint="do this")
    assert caught.value.log[-1] == "why"
    assert len(caught.value.log) == 15
    assert caught.value.hint == "do this"
