"""Runs that want the locks of the same hosts at the same time."""

from __future__ import annotations

import contextlib
import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from types import SimpleNamespace
from typing import Any, cast

import pytest

from provision.agent.resources.host_lock import LockTake
from provision.engine.locking import Locks
from provision.engine.run import Run
from provision.tasks.host import Host
from provision.tasks.outcome import HostFailedError, Outcome
from provision.transport.result import Result

ROUND_TRIP = 0.005  # seconds


class Machine:
    """A host's lock; everything asked of it takes a round trip."""

    def __init__(self) -> None:
        self.holder = ""
        self.left: dict[str, Any] = {}
        self.asked: Counter[str] = Counter()
        self._free = threading.Condition()

    def answer(self, query: Any, run: str) -> Result:
        """Answer as a host does; one that had another run cut off says which."""
        time.sleep(random.uniform(0, ROUND_TRIP))
        self.asked[run] += 1
        with self._free:
            if not isinstance(query, LockTake):
                self.holder = "" if self.holder == run else self.holder
                self._free.notify_all()
                return Result("ok")
            if not self._free.wait_for(lambda: self.holder in ("", run), query.wait):
                return Result("failed", message=f"{self.holder} has it")
            self.holder = run
            return Result("ok", data={"taken_over": self.left} if self.left else {})


class OneRun:
    """As much of a run as its locks need, on machines that others work on, too."""

    def __init__(self, name: str, machines: dict[str, Machine], wait: float = 0) -> None:
        self.info = SimpleNamespace(id=name, by=f"{name}@desk")
        self.options = SimpleNamespace(lock_wait=wait)
        self.notes: list[str] = []
        self.out: dict[str, str] = {}
        self.fleet = self
        self._machines = machines
        self._links = {name: SimpleNamespace(is_locked=False) for name in machines}

    def take_all(self, hosts: Sequence[str]) -> bool:
        return Locks(cast(Run, self)).take_all(hosts, "deploy")

    def end(self) -> None:
        for machine in self._machines.values():
            machine.answer(None, self.info.id)

    def holds(self) -> list[str]:
        return [name for name, it in self._machines.items() if it.holder == self.info.id]

    def phase(self, _: str, hosts: Sequence[str], work: Callable[[], str]) -> bool:
        self.summary = work()
        return not any(map(self.is_out, hosts))

    def is_out(self, name: str) -> bool:
        return name in self.out

    def link(self, name: str) -> Any:
        machine, link = self._machines[name], self._links[name]

        def submit(query: Any, **_: object) -> Future[Result]:
            future: Future[Result] = Future()
            future.set_result(machine.answer(query, self.info.id))
            return future

        link.channel = lambda become: SimpleNamespace(submit=submit, flush=lambda: None)
        return link

    def run(self, hosts: Iterable[str], work: Callable[[str], None]) -> None:
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(work, hosts))

    def each(self, hosts: Sequence[str], work: Callable[[Host], None]) -> None:
        for name in hosts:

            def hold(query: Any, *, name: str, of: str = name) -> Outcome:
                future: Future[Result] = Future()
                future.set_result(self._machines[of].answer(query, self.info.id))
                return Outcome(name, future, lambda: None)

            try:
                work(cast(Host, SimpleNamespace(name=name, hold=hold)))
            except HostFailedError as error:
                self.out[name] = error.message


def machines(count: int) -> dict[str, Machine]:
    return {f"h{number}": Machine() for number in range(count)}


def test_what_is_free_is_taken_at_once() -> None:
    hosts = machines(20)
    run = OneRun("r1", hosts)
    assert run.take_all(list(hosts))
    assert run.holds() == list(hosts)
    assert run.summary == "20/20 taken"
    assert {machine.asked["r1"] for machine in hosts.values()} == {1}


def test_a_run_that_was_cut_off_is_named_once_with_its_hosts() -> None:
    hosts = machines(4)
    for name, run in {"h0": "r8", "h1": "r9", "h3": "r9"}.items():
        hosts[name].left = {"run": run, "by": "bo@desk", "command": "deploy", "since": 0}
    taking = OneRun("r1", hosts)
    assert taking.take_all(list(hosts))
    one, other = sorted(taking.notes)
    assert one.startswith("locks     h0: taken over from a run that was cut off (bo@desk: ")
    assert other.startswith("locks     h1, h3: taken over") and "run r9, since 1970" in other


def test_where_one_is_held_none_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("provision.engine.locking._SETTLING", 0.05)
    hosts = machines(6)
    hosts["h3"].holder = "other"
    run = OneRun("r1", hosts)
    assert not run.take_all(list(hosts))
    assert run.holds() == []
    assert "other has it" in run.out["h3"]


def test_of_runs_that_begin_together_one_wins(monkeypatch: pytest.MonkeyPatch) -> None:
    """Several times beside each other, for the losers take their time to give up."""
    monkeypatch.setattr("provision.engine.locking._SETTLING", 1.0)
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: one_of_three_wins(), range(4)))


def one_of_three_wins() -> None:
    hosts = machines(8)
    runs = [OneRun(f"r{number}", hosts) for number in range(3)]
    together = threading.Barrier(len(runs))

    def begin(run: OneRun) -> bool:
        together.wait()
        return run.take_all(list(hosts))

    with ThreadPoolExecutor(len(runs)) as pool:
        won = list(pool.map(begin, runs))
    assert won.count(True) == 1
    for run, is_winner in zip(runs, won, strict=True):
        assert run.holds() == (list(hosts) if is_winner else [])


@pytest.mark.parametrize("seed", range(4))
def test_runs_that_wait_all_have_their_turn(seed: int) -> None:
    """Whatever hosts they share: nobody waits for somebody who waits for him."""
    random.seed(seed)
    hosts = machines(8)
    at_work: Counter[str] = Counter()
    together = threading.Barrier(6)

    def work(number: int) -> bool:
        run = OneRun(f"r{number}", hosts, wait=20)
        mine = random.sample(list(hosts), random.randint(2, 6))
        together.wait()
        if not run.take_all(mine):
            return False
        with contextlib.ExitStack() as stack:
            stack.callback(run.end)
            at_work.update(mine)
            assert all(at_work[name] == 1 for name in mine)
            time.sleep(ROUND_TRIP)
            at_work.subtract(mine)
        return True

    with ThreadPoolExecutor(6) as pool:
        assert all(pool.map(work, range(6)))
