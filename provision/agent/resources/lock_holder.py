"""Whoever holds a host's lock: named, and ended where that is wanted."""

from __future__ import annotations

import fcntl
import os
import re
import signal
import time
from typing import Optional

from provision.agent import lock_file
from provision.agent.failure import Failure
from provision.agent.resource import Data, Query
from provision.agent.system import System

_POLL = 0.1  # seconds
_GRACE = 5.0  # seconds between SIGTERM and SIGKILL


class LockStatus(Query):
    """Tell who holds the host's lock."""

    def answer(self, system: System) -> Data:
        """Return ``held`` and the ``record``: the holder's, else that of one who was cut off."""
        try:
            descriptor = lock_file.opened(os.O_RDONLY)
        except FileNotFoundError:
            return {"held": False}
        try:
            held = not lock_file.locked(descriptor, fcntl.LOCK_SH)
            return {"held": held, "record": lock_file.read(descriptor), "now": time.time()}
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
            descriptor = lock_file.opened(os.O_RDWR)
        except FileNotFoundError:
            return {}
        try:
            return self._end(descriptor)
        finally:
            os.close(descriptor)

    def _end(self, descriptor: int) -> Data:
        record = lock_file.read(descriptor)
        if lock_file.locked(descriptor, fcntl.LOCK_EX):
            os.ftruncate(descriptor, 0)
            return {}
        holder = _holder(descriptor)
        for number in (signal.SIGTERM, signal.SIGKILL):
            if holder is not None:
                _kill(holder, number)
            deadline = time.monotonic() + _GRACE
            while time.monotonic() < deadline:
                if lock_file.locked(descriptor, fcntl.LOCK_EX):
                    os.ftruncate(descriptor, 0)
                    return {"ended": record or {"pid": holder}}
                time.sleep(_POLL)
        raise Failure(
            "the lock could not be taken away",
            found="process {} holds it".format(holder or "unknown"),
            hint="see what it is doing: ps -fp {}".format(holder or "PID"),
        )


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
