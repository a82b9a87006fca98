"""Handlers that were notified and have not run yet, written down on the host.

A restart that a change makes necessary must not be forgotten when the run ends in between: the next
run would find the change made already. So the names are recorded before the change is made, and
removed once the handlers have run; a run begins with what the last one has left. Each has a file of
its own, so that two runs at the same time do not disturb each other.
"""

from __future__ import annotations

import hashlib
import os
from typing import List, Sequence

from provision.agent.failure import Failure
from provision.agent.system import System

_OF_ROOT = "/var/lib/provision/pending-handlers"
_OF_OTHERS = "~/.provision-pending-handlers"


def directory() -> str:
    """Return the place of the agent's user."""
    return _OF_ROOT if os.geteuid() == 0 else os.path.expanduser(_OF_OTHERS)


def read(system: System) -> List[str]:
    """Return the names, sorted."""
    place = directory()
    files = (file for file in system.listdir(place) if not file.startswith("."))
    found = (system.read_text(os.path.join(place, file)) for file in files)
    return sorted(name for name in found if name)


def add(system: System, names: Sequence[str]) -> None:
    """Record names; an account without a home directory has no place for them.

    Raises:
        Failure: they cannot be written; then nothing may be changed either.

    """
    place = directory()
    if os.geteuid() != 0 and not system.exists(os.path.dirname(place)):
        return
    if not system.exists(place):
        system.make_directory(place, 0o700)
    for name in names:
        path = _file(name)
        if not system.exists(path):
            system.write(path, name.encode(), mode=0o600)


def remove(system: System, names: Sequence[str]) -> None:
    """Forget names. What cannot be forgotten runs once more, which does no harm."""
    try:
        for name in names:
            if system.exists(_file(name)):
                system.remove(_file(name))
    except (Failure, OSError):
        return


def _file(name: str) -> str:
    return os.path.join(directory(), hashlib.sha256(name.encode()).hexdigest()[:16])
