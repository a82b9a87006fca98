"""One change to a lab at a time, and to what all labs of a machine share."""

from __future__ import annotations

import fcntl
import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from provision.errors import UsageError

TIMEOUT = 600.0  # a first `lab up` with all its images takes minutes


@contextmanager
def held(directory: Path, timeout: float = TIMEOUT) -> Iterator[None]:
    """Hold the lock of the lab in ``directory``; the kernel lets go of it with the process.

    Raises:
        UsageError: when another process still holds it after ``timeout`` seconds.

    """
    directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    with (directory / "lock").open("w") as file:
        deadline = time.monotonic() + timeout
        while not _acquire(file.fileno()):
            if time.monotonic() > deadline:
                raise UsageError(f"another `provision lab` has worked on {directory} all this time")
            time.sleep(0.1)
        yield


@contextmanager
def held_for_all_labs(what: str) -> Iterator[None]:
    """Hold the lock of something that this user's labs share, such as an image."""
    with held(Path(tempfile.gettempdir()) / f"provision-lab-{os.getuid()}" / what):
        yield


def _acquire(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
