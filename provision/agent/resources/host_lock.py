"""One deploy at a time on a host.

The lock is the kernel's (``flock``) on a file below ``/run``, held by the agent for as long as its
session lasts. So it ends with the session, however that ends: no lock can be left behind. What is
written in the file says who holds it; where nobody does, it says who was killed.
"""

from __future__ import annotations

import fcntl
import json
import os
import re
import signal
import time
from typing import Any, Dict, Optional

from provision.agent.failure import Cancelled, Failure
from provision.agent.resource import Data, Query
from provision.agent.system import System

PATH = "/run/provision/lock"
_HELD = "host lock"  # key of the descriptor in the session's memo
_POLL = 0.5  # seconds
_LOOKED_AT = 0.3  # seconds for which somebody who only looks may seem to hold it
_GRACE = 5.0  # seconds between SIGTERM and SIGKILL

Record = Dict[str, Any]


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
        """Return ``taken_over``: what a holder that was killed has left in the file, if anything.

        Raises:
            Failure: somebody else holds it.

        """
        if _HELD in system.memo:
            return {}
        descriptor = _opened(os.O_RDWR | os.O_CREAT)
        try:
            self._await(system, descriptor)
        except BaseException:
            os.close(descriptor)
            raise
        stale = _read(descriptor)
        system.memo[_HELD] = descriptor
        system.at_end.append(lambda: _let_go(descriptor))
        record = {"by": self.by, "command": self.command, "run": self.run}
        _write(descriptor, {**record, "since": time.time(), "pid": os.getpid()})
        return {} if stale is None else {"taken_over": stale}

    def _await(self, system: System, descriptor: int) -> None:
        deadline = time.monotonic() + max(self.wait, _LOOKED_AT)
        while not _locked(descriptor, fcntl.LOCK_EX):
            if system.is_cancelled():
                raise Cancelled
            left = deadline - time.monotonic()
            if left <= 0:
                raise _busy(_read(descriptor))
            time.sleep(min(_POLL, left, _LOOKED_AT / 3 if self.wait == 0 else _POLL))


class LockStatus(Query):
    """Tell who holds the host's lock."""

    def answer(self, system: System) -> Data:
        """Return ``held`` and the holder's ``record``; nobody's record is that of a killed one."""
        try:
            descriptor = _opened(os.O_RDONLY)
        except FileNotFoundError:
            return {"held": False}
        try:
            held = not _locked(descriptor, fcntl.LOCK_SH)
            return {"held": held, "record": _read(descriptor), "now": time.time()}
        finally:
            os.close(descriptor)


class LockRelease(Query):
    """End whoever holds the host's lock: its agent is told to stop, and what it does breaks off."""

    def answer(self, system: System) -> Data:
        """Return ``ended``: the record of the holder; empty where nobody held it.

        Raises:
            Failure: it still does.

        """
        try:
            descriptor = _opened(os.O_RDWR)
        except FileNotFoundError:
            return {}
        try:
            return self._end(descriptor)
        finally:
            os.close(descriptor)

    def _end(self, descriptor: int) -> Data:
        record = _read(descriptor)
        if _locked(descriptor, fcntl.LOCK_EX):
            os.ftruncate(descriptor, 0)
            return {}
        holder = _holder(descriptor)
        for number in (signal.SIGTERM, signal.SIGKILL):
            if holder is not None:
                _kill(holder, number)
            deadline = time.monotonic() + _GRACE
            while time.monotonic() < deadline:
                if _locked(descriptor, fcntl.LOCK_EX):
                    os.ftruncate(descriptor, 0)
                    return {"ended": record or {"pid": holder}}
                time.sleep(_POLL / 5)
        raise Failure(
            "the lock could not be taken away",
            found="process {} holds it".format(holder or "unknown"),
            hint="see what it is doing: ps -fp {}".format(holder or "PID"),
        )


def _opened(flags: int) -> int:
    if flags & os.O_CREAT:
        os.makedirs(os.path.dirname(PATH), mode=0o700, exist_ok=True)
    return os.open(PATH, flags | os.O_CLOEXEC, 0o600)


def _locked(descriptor: int, kind: int) -> bool:
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _read(descriptor: int) -> Optional[Record]:
    text = os.pread(descriptor, 65536, 0)
    try:
        record = json.loads(text)
    except ValueError:
        return None
    return record if isinstance(record, dict) else None


def _let_go(descriptor: int) -> None:
    os.ftruncate(descriptor, 0)
    os.close(descriptor)


def _write(descriptor: int, record: Record) -> None:
    text = json.dumps(record).encode()
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, text, 0)


def _holder(descriptor: int) -> Optional[int]:
    """Return the process that has the exclusive lock, as ``/proc/locks`` tells it (proc(5))."""
    inode = os.fstat(descriptor).st_ino
    with open("/proc/locks", encoding="ascii") as file:
        found = re.search(r"FLOCK\s+ADVISORY\s+WRITE (\d+) \S+:{} ".format(inode), file.read())
    return int(found.group(1)) if found and int(found.group(1)) > 0 else None


def _kill(process: int, number: int) -> None:
    try:
        os.kill(process, number)
    except ProcessLookupError:
        return  # it has ended by itself


def _busy(record: Optional[Record]) -> Failure:
    found = "somebody is just taking or leaving it" if record is None else described(record)
    return Failure(
        "another run has the lock of this host",
        found=found,
        hint="wait for it with --lock-wait SECONDS, or look: provision lock status",
    )


def described(record: Record) -> str:
    """Return a record as a person reads it."""
    since = time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(record.get("since", 0)))
    text = "{by}: provision {command}, run {run}".format(
        **{"by": "?", "command": "?", "run": "?", **record}
    )
    return "{}, since {}".format(text, since)
