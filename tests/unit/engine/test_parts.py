"""The engine's small parts, each by itself."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from provision.engine.events import (
    Event,
    EventBus,
    HostUnreachable,
    RunStarted,
    Status,
    TaskFinished,
)
from provision.engine.fleet import Fleet
from provision.engine.observer import render_changes, summarise
from provision.engine.options import RunOptions
from provision.engine.play.batches import batches, exceeds
from provision.engine.play.once import Once
from provision.engine.play.registered import Answer, NotKnownYetError, RegisteredLoop
from provision.engine.recap import Tally
from provision.errors import ExitCode, Location, TaskError, UnreachableError, UsageError
from provision.inventory.inventory import Inventory
from provision.transport.result import Result

HERE = Location("play.yml", 1, 1)


@pytest.mark.parametrize(
    ("count", "serial", "sizes"),
    [
        (5, [], [5]),
        (5, [2], [2, 2, 1]),
        (6, [1, 2], [1, 2, 2, 1]),
        (10, ["30%"], [3, 3, 3, 1]),
        (10, [1, "50%", "100%"], [1, 5, 4]),
        (3, ["10%"], [1, 1, 1]),
        (0, [1], []),
    ],
)
def test_batches(count: int, serial: list[Any], sizes: list[int]) -> None:
    made = list(batches(list(range(count)), serial))
    assert [len(batch) for batch in made] == sizes
    assert [host for batch in made for host in batch] == list(range(count))


@pytest.mark.parametrize("size", ["0", "many", "-1", "x%"])
def test_a_batch_has_a_size(size: str) -> None:
    with pytest.raises(UsageError, match="serial"):
        list(batches(["h1"], [size]))


@pytest.mark.parametrize(
    ("failed", "total", "percentage", "over"),
    [
        (0, 4, 0, False), (1, 4, None, False), (4, 4, None, True), (1, 4, 25, False),
        (2, 4, 49, True), (1, 4, 0, True), (0, 0, None, False),
    ],
)  # fmt: skip
def test_exceeds(failed: int, total: int, percentage: float | None, over: bool) -> None:
    assert exceeds(failed, total, percentage) is over


@pytest.mark.parametrize(
    ("asked", "skipped", "tags", "wanted"),
    [
        ([], [], [], True), ([], [], ["never"], False), ([], [], ["never", "always"], True),
        (["a"], [], ["a", "b"], True), (["a"], [], ["b"], False), (["a"], [], [], False),
        (["a"], [], ["always"], True), (["a"], [], ["never", "a"], True),
        (["all"], [], ["a"], True), (["all"], [], ["never"], False),
        (["tagged"], [], ["a"], True), (["tagged"], [], [], False),
        (["tagged"], [], ["never"], False), (["untagged"], [], [], True),
        (["untagged"], [], ["a"], False), ([], ["a"], ["a", "always"], False),
        ([], ["all"], ["a"], False), ([], ["all"], ["always"], True),
        ([], ["all", "always"], ["always"], False), ([], ["always"], ["always"], False),
        ([], ["tagged"], ["a"], False), ([], ["tagged"], [], True),
        (["a"], ["b"], ["a", "b"], False),
    ],
)  # fmt: skip
def test_wants(asked: list[str], skipped: list[str], tags: list[str], wanted: bool) -> None:
    options = RunOptions(tags=frozenset(asked), skip_tags=frozenset(skipped))
    assert options.wants(frozenset(tags)) is wanted


@pytest.mark.parametrize(
    ("statuses", "lost", "check", "code"),
    [
        ([], False, False, ExitCode.OK),
        ([Status.CHANGED], False, False, ExitCode.OK),
        ([Status.CHANGED], False, True, ExitCode.PENDING),
        ([Status.UNKNOWN], False, True, ExitCode.PENDING),
        ([Status.OK, Status.SKIPPED, Status.NOT_RUN], False, True, ExitCode.OK),
        ([Status.IGNORED], False, False, ExitCode.OK),
        ([Status.FAILED], True, True, ExitCode.FAILED),
        ([Status.CHANGED], True, True, ExitCode.UNREACHABLE),
    ],
)
def test_exit_codes(statuses: list[Status], lost: bool, check: bool, code: ExitCode) -> None:
    tally = Tally(("h1",))
    tally(RunStarted(run="r", command="c", hosts=("h1",)))
    for status in statuses:
        tally(TaskFinished(host="h1", task="t", status=status))
    if lost:
        tally(HostUnreachable(host="h1", message="gone"))
    assert tally.exit_code(check=check) is code


def test_recap_counts_and_times() -> None:
    tally = Tally(("h1", "h2"))
    for at, status in enumerate(Status):
        tally(TaskFinished(host="h1", task="t", status=status, at=100.0 + at))
    recap = tally.recap()
    first = recap["h1"]
    assert (first.ok, first.changed, first.failed, first.skipped) == (2, 2, 1, 1)
    assert first.seconds == len(Status) - 1
    assert (recap["h2"].ok, recap["h2"].seconds) == (0, 0.0)


@pytest.mark.parametrize(
    ("changes", "shown", "summary"),
    [
        ({}, "", ""),
        ({"mode": (0o600, 0o644)}, "~ mode: 0600 -> 0644", "mode 0600 -> 0644"),
        ({"run": (False, True)}, "", ""),
        ({"directory": (None, {"mode": 0o700, "owner": "a"})},
         "~ directory: none -> mode 0700, owner a", "directory none -> mode 0700, owner a"),
        ({"enabled": (False, True)}, "~ enabled: no -> yes", "enabled no -> yes"),
        ({"groups": ([], ["a", "b"])}, "~ groups: none -> a, b", "groups none -> a, b"),
        ({"sha256": (None, "f" * 64)}, "~ sha256: none -> ffffffffffff",
         "sha256 none -> ffffffffffff"),
        ({"content": ("a\nb\n", "a\nc\n")},
         "--- before\n+++ after\n@@ -1,2 +1,2 @@\n a\n-b\n+c", "content"),
        ({"content": (None, "a\n")}, "--- before\n+++ after\n@@ -0,0 +1 @@\n+a", "content"),
    ],
)  # fmt: skip
def test_changes_as_text(changes: dict[str, Any], shown: str, summary: str) -> None:
    assert render_changes(changes) == shown
    assert summarise(changes) == summary


def test_an_answer_that_was_only_planned_says_what_it_does_not_know() -> None:
    planned = Answer(Result("changed"), HERE)
    assert planned["changed"] is True
    with pytest.raises(NotKnownYetError, match="'rc' is known only when the task"):
        planned.get("rc")
    known = Answer(Result("ok"), HERE)
    assert known.get("rc") is None
    assert Answer(Result("changed", data={"stdout": "a\nb\n"}))["stdout_lines"] == ["a", "b"]


def test_a_loop_sums_up() -> None:
    results = [Answer(Result("ok")), Answer(Result("changed")), Answer(Result("failed"))]
    loop = RegisteredLoop(results)
    assert (loop["changed"], loop["failed"], loop["skipped"]) == (True, True, False)
    assert RegisteredLoop([])["skipped"] is True


# -- once -----------------------------------------------------------------------------------


def in_parallel(hosts: list[str], work: Any) -> dict[str, Any]:
    with ThreadPoolExecutor(len(hosts)) as pool:
        futures = {host: pool.submit(work, host) for host in reversed(hosts)}
        return {host: future.exception() or future.result() for host, future in futures.items()}


def test_the_first_host_in_order_does_it() -> None:
    once, done = Once(["a", "b", "c"]), []

    def work(host: str) -> Any:
        if host == "a":
            time.sleep(0.05)  # it comes last, and is waited for
        return once.do(host, "key", lambda: done.append(host) or host)

    results = in_parallel(["a", "b", "c"], work)
    assert done == ["a"]
    assert results == {"a": (True, "a"), "b": (False, "a"), "c": (False, "a")}


def test_one_that_has_left_or_is_lost_is_followed_by_the_next() -> None:
    once = Once(["a", "b", "c"])

    def work(host: str) -> Any:
        if host == "a":
            once.leave("a")
            return None
        try:
            return once.do(host, "key", lambda: lost(host))
        finally:
            once.leave(host)

    def lost(host: str) -> str:
        if host == "b":
            raise UnreachableError("gone")
        return host

    results = in_parallel(["a", "b", "c"], work)
    assert isinstance(results["b"], UnreachableError)
    assert results["c"] == (True, "c")


def test_its_failure_reaches_all() -> None:
    once = Once(["a", "b"])

    def fail() -> None:
        raise TaskError("no")

    results = in_parallel(["a", "b"], lambda host: once.do(host, 1, fail))
    assert [type(result) for result in results.values()] == [TaskError, TaskError]


# -- the fleet ------------------------------------------------------------------------------


def fleet(count: int, events: list[Event], **options: Any) -> tuple[Fleet, list[str]]:
    hosts = [f"h{number}" for number in range(1, count + 1)]
    inventory = Inventory.load([",".join(hosts) + ","])
    return Fleet(inventory, RunOptions(**options), EventBus(events.append)), hosts


def test_a_lost_host_is_told_once_and_left_out() -> None:
    events: list[Event] = []
    group, hosts = fleet(3, events)
    seen: list[str] = []

    def work(host: str) -> None:
        seen.append(host)
        if host == "h2":
            raise UnreachableError("gone", hint="look")

    group.run(hosts, work)
    group.run(hosts, work)
    assert sorted(seen) == ["h1", "h1", "h2", "h3", "h3"]
    told = [(event.host, event.message, event.hint) for event in events]  # type: ignore[attr-defined]
    assert told == [("h2", "gone", "look")]


def test_no_more_than_forks_at_a_time() -> None:
    group, hosts = fleet(6, [], forks=2)
    running, most, lock = 0, 0, threading.Lock()

    def work(host: str) -> None:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        time.sleep(0.01)
        with lock:
            running -= 1

    group.run(hosts, work)
    assert most == 2


@pytest.mark.parametrize("error", [UsageError("bad play"), RuntimeError("bug")])
def test_what_is_no_hosts_fault_ends_the_run(error: Exception) -> None:
    group, hosts = fleet(20, [], forks=1)
    seen: list[str] = []

    def work(host: str) -> None:
        seen.append(host)
        raise error

    with pytest.raises(type(error)):
        group.run(hosts, work)
    assert len(seen) < 20


def test_a_pause_ends_when_the_run_is_cancelled() -> None:
    group, _ = fleet(1, [])
    started = time.monotonic()
    threading.Timer(0.05, group.cancel).start()
    group.pause(30)
    assert time.monotonic() - started < 10


def test_hosts_know_each_other_and_this_machine() -> None:
    group, _ = fleet(2, [])
    others = group.context("h1")["hostvars"]
    assert others["h2"]["inventory_hostname"] == "h2"
    assert others["localhost"]["ansible_connection"] == "local"
    with pytest.raises(KeyError):
        others["h3"]
