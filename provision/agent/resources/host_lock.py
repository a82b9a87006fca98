"""One change at a time on a host: its lock, taken for the rest of a session and given back."""

from __future__ import annotations

import fcntl
import os
import time
from typing import Optional

from provision.agent import lock_file
from provision.agent.failure import Cancelled, Failure
from provision.agent.lock_file import Record
from provision.agent.resource import Data, Query
from provision.agent.system import System

_HELD = "host lock"  # key of the descriptor in the session's memo
_POLL = 0.5  # seconds
_LOOKED_AT = 0.3  # seconds for which somebody who only looks may seem to hold it


class LockTake(Query):
    """Take the host's lock for the rest of the session; it changes nothing that outlasts it.

    Args:
        by: who, such as ``ana@laptop``.
        command: what for, such as ``deploy``.
        run: the run's id.
        wait: seconds to wait for it.

    """

    by: str
    command: str
    run: str
    wait: float = 0

    def answer(self, system: System) -> Data:
        """Return ``taken_over``: what another run that was cut off has left in the file, if any.

        Raises:
            Failure: somebody else holds it.

        """
        if _HELD in system.memo:
            return {}
        descriptor = lock_file.opened(os.O_RDWR | os.O_CREAT)
        try:
            self._await(system, descriptor)
        except BaseException:
            os.close(descriptor)
            raise
        stale = lock_file.read(descriptor)
        system.memo[_HELD] = descriptor
        system.at_end.append(lambda: _let_go(system, keep_record=system.is_cut_off()))
        record = {"by": self.by, "command": self.command, "run": self.run}
        lock_file.write(descriptor, {**record, "since": time.time(), "pid": os.getpid()})
        is_ours = stale is None or stale.get("run") == self.run
        return {} if is_ours else {"taken_over": stale}

    def _await(self, system: System, descriptor: int) -> None:
        started = time.monotonic()
        wait = max(self.wait, _LOOKED_AT)
        while not lock_file.locked(descriptor, fcntl.LOCK_EX):
            if system.is_cancelled():
                raise Cancelled
            passed = time.monotonic() - started
            record = lock_file.read(descriptor)
            if passed >= wait:
                raise _busy(record)
            if self.wait and record:
                label = "waits for " + lock_file.described(record)
                system.emitter.progress(label, int(passed), int(wait), "s")
            time.sleep(min(_POLL if self.wait else _LOOKED_AT / 3, wait - passed))


class LockGive(Query):
    """Give the lock back that this session has, so that others need not wait for its end."""

    def answer(self, system: System) -> Data:
        """Return nothing; also where it was not held."""
        _let_go(system, keep_record=False)
        return {}


def _let_go(system: System, *, keep_record: bool) -> None:
    """Free the lock. A run that was cut off leaves its record, for the next to say whose it was."""
    descriptor = system.memo.pop(_HELD, None)
    if descriptor is not None:
        if not keep_record:
            os.ftruncate(descriptor, 0)
        os.close(descriptor)


def _busy(record: Optional[Record]) -> Failure:
    found = "somebody is just taking or leaving it"
    return Failure(
        "another run has the lock of this host",
        found=found if record is None else lock_file.described(record),
        hint="wait for it with --lock-wait SECONDS, or look: provision lock status; a run that was"
        " killed or cut off lets go within a minute, once what it was at has ended",
    )
