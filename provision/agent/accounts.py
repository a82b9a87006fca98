"""The accounts of a host, as its files tell."""

from __future__ import annotations

from typing import Dict, List, NamedTuple, Optional

from provision.agent.failure import NotThereYet
from provision.agent.system import System


class Account(NamedTuple):
    """A line of /etc/passwd."""

    name: str
    uid: int
    gid: int
    comment: str
    home: str
    shell: str


class GroupEntry(NamedTuple):
    """A line of /etc/group."""

    name: str
    gid: int
    members: List[str]


def find_user(system: System, name: str) -> Optional[Account]:
    """Return a local user, or None."""
    for entry in _entries(system, "/etc/passwd", 7):
        if entry[0] == name:
            return Account(name, int(entry[2]), int(entry[3]), *entry[4:])
    return None


def require_user(system: System, name: str) -> Account:
    """Return a local user.

    Raises:
        NotThereYet: there is none of that name.

    """
    user = find_user(system, name)
    if user is None:
        raise NotThereYet("there is no user {!r}".format(name))
    return user


def groups(system: System) -> Dict[str, GroupEntry]:
    """Return the local groups by name."""
    return {
        entry[0]: GroupEntry(entry[0], int(entry[2]), [m for m in entry[3].split(",") if m])
        for entry in _entries(system, "/etc/group", 4)
    }


def password_hash(system: System, name: str) -> str:
    """Return a user's hashed password as /etc/shadow has it (``!`` before a locked one)."""
    return shadow(system, name)[1]


def shadow(system: System, name: str) -> List[str]:
    """Return a user's nine fields of /etc/shadow; all empty where it has no line there."""
    entries = _entries(system, "/etc/shadow", 9)
    return next((entry for entry in entries if entry[0] == name), [""] * 9)


def _entries(system: System, path: str, fields: int) -> List[List[str]]:
    lines = (system.read_text(path) or "").splitlines()
    split = (line.split(":") for line in lines if not line.startswith(("#", "+", "-")))
    return [entry for entry in split if len(entry) == fields]
