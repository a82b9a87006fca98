"""One change at a time on a host: the locks of a run's hosts.

A lock is held by the host's agent, so it is gone whenever the run is, however it ended.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from concurrent.futures import Future
from functools import partial
from typing import TYPE_CHECKING

from provision.agent.lock_file import Record, described
from provision.agent.resource import Query
from provision.agent.resources.host_lock import LockGive, LockTake
from provision.tasks.host import Host
from provision.tasks.outcome import Outcome
from provision.transport.result import Result

if TYPE_CHECKING:
    from provision.engine.run import Run

_SETTLING = 2.0  # seconds in which others give back what they could not have all of
_AGAIN = 30.0  # seconds; a lock ends with the host's boot, and somebody may be looking at it


class Locks:
    """What a run has of its hosts' locks.

    Args:
        run: whose they are.

    Attributes:
        command: what they are for, as others are told; None for a run that needs none.

    """

    def __init__(self, run: Run) -> None:
        self.command: str | None = None
        self._run = run
        self._had: set[str] = set()
        self._cut_off: dict[str, _CutOff] = {}
        self._noting = threading.Lock()

    def take_all(self, hosts: Sequence[str], command: str) -> bool:
        """Take the lock of every host, or of none, as a phase; return whether they are the run's.

        All are tried at the same moment. Where one is not free, those after it in the order that
        all runs keep to (that of the names) are given back, and only those before it are held while
        it is waited for: so a circle of runs that wait for each other has no place to close. What
        is free then is tried at once again. A run that does not want to wait does so for a moment
        nevertheless: of several that began together the others may be giving back just now what
        this one needs, and one of them shall win.
        """
        self.command = command
        order = sorted(hosts)

        def work() -> str:
            if self._take(order):
                return f"{len(order)}/{len(order)} taken"
            return "not all are free: none is kept"

        return self._run.phase("lock", order, work)

    def _take(self, order: Sequence[str]) -> bool:
        deadline = time.monotonic() + self._run.options.lock_wait
        left = list(order)
        while left and (refused := self._try(left)):
            wait = max(deadline - time.monotonic(), _SETTLING)
            self._run.each([refused], partial(self.take, wait=wait))
            if any(map(self._run.is_out, order)):
                self._give(order)
                return False
            left = left[left.index(refused) + 1 :]
        return not any(map(self._run.is_out, order))

    def _try(self, hosts: Sequence[str]) -> str | None:
        """Take those before the first host that is not free; return that one, if there is one."""
        refused = set()

        def work(name: str) -> None:
            result = self._answer(name, self._request(0))
            if result.status == "ok":
                self._run.fleet.link(name).is_locked = True
                self._note(name, result)
            else:
                refused.add(name)

        self._run.fleet.run(hosts, work)
        first = next((name for name in hosts if name in refused), None)
        if first is not None:
            self._give(hosts[hosts.index(first) :])
        return first

    def _give(self, hosts: Sequence[str]) -> None:
        def work(name: str) -> None:
            self._answer(name, LockGive())
            self._run.fleet.link(name).is_locked = False

        self._run.fleet.run(hosts, work)

    def _answer(self, name: str, query: Query) -> Result:
        """Ask a host without reporting it: what counts is what comes of all of them."""
        channel = self._run.fleet.link(name).channel("root")
        future = channel.submit(query, keep_going=True)
        channel.flush()
        return future.result()

    def take(self, host: Host, wait: float = 0) -> None:
        """Take one host's lock, on its own.

        Args:
            host: where.
            wait: seconds to wait for whoever has it.

        Raises:
            HostFailedError: somebody else has it; that has been reported.

        """
        self._hold(host, wait).result()

    def ride(self, host: Host) -> None:
        """Let the lock be taken on the way, before what is about to be handed to the host.

        Nothing is awaited; where somebody else has it, what follows is not run.
        """
        if self.command is not None and not self._run.fleet.link(host.name).is_locked:
            self._hold(host, _AGAIN if host.name in self._had else 0)

    def _hold(self, host: Host, wait: float) -> Outcome:
        self._run.fleet.link(host.name).is_locked = True
        outcome = host.hold(self._request(wait), name="lock")

        def note(done: Future[Result]) -> None:
            if done.exception() is None:
                self._note(host.name, done.result())

        outcome.future.add_done_callback(note)
        return outcome

    def _request(self, wait: float) -> LockTake:
        info = self._run.info
        return LockTake(by=info.by, command=self.command or "", run=info.id, wait=wait)

    def _note(self, name: str, result: Result) -> None:
        """Take note of a lock that was taken, and of whoever has not given it back."""
        if result.status != "ok":
            return
        self._had.add(name)
        if earlier := result.data.get("taken_over"):
            self._say_taken_over(name, earlier)

    def _say_taken_over(self, name: str, earlier: Record) -> None:
        """Say once of each run that was cut off which of its hosts were taken over."""
        with self._noting:
            of_it = self._cut_off.setdefault(str(earlier.get("run")), _CutOff(described(earlier)))
            before = of_it.note()
            of_it.hosts.append(name)
            notes = self._run.notes
            notes[:] = [*(note for note in notes if note != before), of_it.note()]


class _CutOff:
    """A run that was cut off, and the hosts on which that was noticed."""

    def __init__(self, described: str) -> None:
        self.hosts: list[str] = []
        self._described = described

    def note(self) -> str:
        names = ", ".join(sorted(self.hosts))
        return f"locks     {names}: taken over from a run that was cut off ({self._described})"
