"""The file behind a host's lock: the kernel says whether it is held, its text by whom.

The lock is the kernel's (``flock``) on a file below ``/run``, held by the agent for as long as its
session lasts. So it ends with the session, however that ends: no lock can be left behind. Where
nobody holds it, what is written in the file says who was cut off in the middle of something.
"""

from __future__ import annotations

import fcntl
import json
import os
import time
from typing import Any, Dict, Optional

PATH = "/run/provision/lock"

Record = Dict[str, Any]


def opened(flags: int) -> int:
    """Return a descriptor of the file; with ``os.O_CREAT`` its directory is made, too.

    Raises:
        FileNotFoundError: nobody has ever taken the lock since the host was booted.

    """
    if flags & os.O_CREAT:
        os.makedirs(os.path.dirname(PATH), mode=0o700, exist_ok=True)
    return os.open(PATH, flags | os.O_CLOEXEC, 0o600)


def locked(descriptor: int, kind: int) -> bool:
    """Take the lock (``fcntl.LOCK_EX`` or ``LOCK_SH``) if it is free; tell whether it was."""
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def read(descriptor: int) -> Optional[Record]:
    """Return what is written in the file, None where that is nothing."""
    text = os.pread(descriptor, 65536, 0)
    try:
        record = json.loads(text)
    except ValueError:
        return None
    return record if isinstance(record, dict) else None


def write(descriptor: int, record: Record) -> None:
    """Write down who has the lock."""
    text = json.dumps(record).encode()
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, text, 0)


def described(record: Record) -> str:
    """Return a record as a person reads it."""
    since = time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(record.get("since", 0)))
    text = "{by}: provision {command}, run {run}".format(
        **{"by": "?", "command": "?", "run": "?", **record}
    )
    return "{}, since {}".format(text, since)
