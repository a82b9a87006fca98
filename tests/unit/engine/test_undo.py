"""How often going back is tried on a host, and what is said of one that could not be put back."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any, cast

import pytest

from provision.engine.rollout import undo
from provision.engine.rollout.undone import Undone
from provision.engine.run import Run
from provision.errors import TaskError, UnreachableError
from provision.tasks.host import Host
from provision.tasks.outcome import HostFailedError


class OneHost:
    """As much of a run as going back needs: one host, which every attempt reaches."""

    def __init__(self, lost: UnreachableError | None = None) -> None:
        self.options = SimpleNamespace(forks=1, keep_roles=False)
        self.fleet = self.locks = self
        self.lost = {} if lost is None else {"h1": lost}
        self.notes: list[str] = []
        self.is_phase_well: bool | None = None
        self.done: list[str] = []

    def phase(self, name: str, hosts: Any, work: Any, *, is_bad: Callable[[str], bool]) -> bool:
        self.done.append(f"phase {name}: {work()}")
        self.is_phase_well = not any(map(is_bad, hosts))
        return self.is_phase_well

    def run_on(self, hosts: list[str], work: Callable[[str], None]) -> None:
        for host in hosts:
            work(host)

    def link(self, _: str) -> Any:
        resume = SimpleNamespace(resume=lambda: self.done.append("resume"))
        return SimpleNamespace(channel=lambda _: resume)

    def host(self, name: str) -> Any:
        return SimpleNamespace(name=name)

    def take(self, host: Any, wait: float) -> None:
        assert wait > 30, "the agent that was cut off may still be at work"

    def reopen(self, _: str) -> None:
        self.done.append("reopen")

    def pause(self, _: float) -> None:
        self.done.append("pause")


def undone(run: OneHost, *outcomes: Exception | None) -> set[str]:
    """Go back with these outcomes, the last one again and again; return the hosts given up."""
    left: Iterator[Exception | None] = iter(outcomes)
    last = outcomes[-1]

    def way(_: Run, host: Host, undone: Undone) -> None:
        run.done.append("try")
        problem = next(left, last)
        if problem is not None:
            raise problem
        undone.back.append(host.name)

    return undo._undo(cast(Run, run), "web", ["h1"], (), way)


@pytest.mark.parametrize("problem", [HostFailedError("not well"), TaskError("not well")])
def test_what_fails_is_tried_once_more(problem: Exception) -> None:
    run = OneHost()
    assert undone(run, problem, None) == set()
    assert run.done == ["resume", "try", "pause", "resume", "try", "phase undo web: 1/1 put back"]
    assert run.notes == ["undone    h1 is back on the release of web from before"]
    assert run.is_phase_well


def test_what_fails_twice_is_left_and_named() -> None:
    run = OneHost()
    assert undone(run, TaskError("no space"), TaskError("still no space")) == set()
    assert run.done.count("try") == 2
    assert run.notes == [
        "mixed     h1 could not be put back to the web from before: still no space"
    ]
    assert not run.is_phase_well


def test_a_host_that_comes_back_in_time_is_put_back() -> None:
    """It was lost, is reached anew each time, and is no lost one any more."""
    gone = UnreachableError("gone")
    run = OneHost(lost=gone)
    assert undone(run, gone, gone, gone, None) == set()
    assert [it for it in run.done if it == "reopen"] == ["reopen"] * 4
    assert run.lost == {}
    assert run.notes == ["undone    h1 is back on the release of web from before"]


def test_a_host_that_stays_away_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(undo, "_PATIENCE", 0.05)
    gone = UnreachableError("gone")
    run = OneHost(lost=gone)
    assert undone(run, UnreachableError("no route")) == {"h1"}
    assert run.lost == {"h1": gone}, "it is lost for the reason from before"
    assert run.notes == ["mixed     h1 could not be put back to the web from before: no route"]


def test_what_to_do_next_is_said_once_and_last() -> None:
    run = OneHost()
    for number in (1, 2):
        run.notes.append(f"undone    batch {number}")
        undo._say_what_next(cast(Run, run))
    assert [note.split()[0] for note in run.notes] == ["undone", "undone", "next"]
