"""Python tasks on a host: sections, handlers, what is told in which order."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from provision.agent.resources.command import Command
from provision.agent.resources.copy import Copy
from provision.agent.resources.execute import Execute
from provision.engine.link import HostLink
from provision.tasks.deployed import Deployed
from provision.tasks.host import Host
from provision.tasks.manner import Manner
from provision.tasks.outcome import HostFailedError
from provision.transport.endpoint import Endpoint
from provision.transport.result import Result


class Seen:
    def __init__(self) -> None:
        self.told: list[str] = []
        self.results: list[Result] = []

    def started(self, host: str, label: str) -> None:
        self.told.append(f"> {label}")

    def progressed(self, host: str, label: str, event: Mapping[str, Any]) -> None:
        if event["event"] == "output":
            self.told.append(f". {label}")

    def finished(self, host: str, label: str, result: Result, *, ignored: bool) -> None:
        self.told.append(f"{result.status} {label}")
        self.results.append(result)

    def deployed(self, host: str, deployed: Deployed, result: Result) -> None:
        self.told.append(f"{deployed.role} is {deployed.release}: {result.status}")


@pytest.fixture
def seen() -> Seen:
    return Seen()


@pytest.fixture
def host(seen: Seen) -> Iterator[Host]:
    link = HostLink(Endpoint(name="here", address="", connection="local"))
    yield Host("here", {}, link.channel, seen, become=None)
    link.close()


def test_things_are_told_in_order_notes_among_them(host: Host, seen: Seen, tmp_path: Path) -> None:
    host.apply(Copy(dest=str(tmp_path / "a"), content="x"), name="one")
    host.note("skip", Result("skipped"))
    host.apply(Copy(dest=str(tmp_path / "b"), content="x"), name="two")
    host.note("last", Result("ok"))
    host.settle()
    one_and_two = ["> one", "changed one", "> skip", "skipped skip", "> two", "changed two"]
    assert seen.told == [*one_and_two, "> last", "ok last"]


def test_nothing_is_run_after_a_failure(host: Host, seen: Seen, tmp_path: Path) -> None:
    host.apply(Command(argv=["false"]), name="bad")
    host.apply(Copy(dest=str(tmp_path / "a"), content="x"), name="after")
    host.note("noted", Result("skipped"))
    with pytest.raises(HostFailedError, match="bad: false exited with 1"):
        host.settle()
    assert seen.told == ["> bad", "failed bad", "not_run after", "not_run noted"]
    with pytest.raises(HostFailedError):
        host.apply(Command(argv=["true"]))
    assert not (tmp_path / "a").exists()


def test_a_release_is_told_once_it_is_current_and_never_after_a_failure(
    host: Host, seen: Seen, tmp_path: Path
) -> None:
    good = host.apply(Copy(dest=str(tmp_path / "a"), content="x"), name="current release")
    host.deployed(good, Deployed("trainer", "r1"))
    bad = host.apply(Command(argv=["false"]), name="current release")
    host.deployed(bad, Deployed("trainer", "r2"))
    host.wait()
    assert [line for line in seen.told if " is " in line] == ["trainer is r1: changed"]


def test_a_task_is_a_section_carried_out_as_its_entry_says(host: Host, tmp_path: Path) -> None:
    manner = Manner(notify=("outer",), check=True, environment={"A": "a"})
    with host.section("task", manner) as parts:
        assert host.check
        outcome = host.apply(Copy(dest=str(tmp_path / "a"), content="x"), notify="inner")
    assert not host.check
    assert outcome.label.startswith("task: copy /")
    assert outcome.notify == ("outer", "inner")
    assert parts == [outcome] and outcome.planned and outcome.changed
    assert not (tmp_path / "a").exists()


def test_a_sections_environment_and_no_log_reach_its_parts(host: Host, seen: Seen) -> None:
    with host.section("task", Manner(no_log=True, environment={"A": "spoken"})):
        outcome = host.apply(Command(shell="echo $A; exit 3"))
    result = outcome.wait()
    assert result.data["stdout"] == "spoken\n"
    assert seen.results[0].message == "failed; no_log hides why"
    assert not seen.results[0].log and not seen.results[0].data
    assert not [line for line in seen.told if line.startswith(".")]


def test_a_tasks_handlers_run_as_who_defined_them(host: Host, seen: Seen) -> None:
    host.on_change("restart", Command(argv=["true"]), Command(argv=["echo"]))
    host.become = "somebody else"
    assert host.handlers.names() == ("restart",)
    host.run_handler("restart")
    host.settle()
    assert host.become is None
    assert [line for line in seen.told if "changed" in line] == ["changed handler: restart"] * 2


def test_an_attempt_is_told_by_its_note_alone(host: Host, seen: Seen) -> None:
    host.apply(Execute(command=":"), name="before")  # type: ignore[arg-type]
    result = host.attempt(Command(argv=["false"]), Manner(), name="try")
    assert (result.status, result.data["rc"]) == ("failed", 1)
    host.note("try", Result("ok"))
    assert host.settle()
    assert seen.told == ["> before", "ok before", "> try", "ok try"]


def test_an_attempt_is_told_while_it_is_at_work(host: Host, seen: Seen) -> None:
    host.attempt(Command(shell="sleep 0.2; echo said"), Manner(), name="try")
    host.note("try", Result("ok"))
    assert seen.told == ["> try", ". try", "ok try"]
