"""Mode, owner and group: what every path-like resource has."""

from __future__ import annotations

from typing import Optional

from provision.agent.failure import NotThereYet
from provision.agent.resource import Difference, State
from provision.agent.system import FileStatus, System


def ownership(
    system: System, mode: Optional[int], owner: Optional[str], group: Optional[str]
) -> State:
    """Return the declared ones as state; numbers become the names that they have on the host.

    Raises:
        NotThereYet: there is no such user or group.

    """
    state: State = {}
    if mode is not None:
        state["mode"] = mode
    if owner is not None:
        state["owner"] = system.owner_name(system.user_id(owner))
    if group is not None:
        state["group"] = system.group_name(system.group_id(group))
    return state


def ownership_of(status: FileStatus) -> State:
    """Return what ``ownership`` may ask for, as it is."""
    return {"mode": status.mode, "owner": status.owner, "group": status.group}


def owned_as(system: System, path: str, difference: Difference) -> None:
    """Set the differing ones. Owner first: changing it clears set-user-id bits."""
    owner, group = difference.get("owner"), difference.get("group")
    if owner or group:
        system.set_owner(path, owner.expected if owner else None, group.expected if group else None)
    if "mode" in difference:
        system.set_mode(path, difference["mode"].expected)


def make_parent(system: System, path: str) -> None:
    """Create the directory that ``path`` stands in, where it is missing."""
    parent = path.rstrip("/").rpartition("/")[0] or "/"
    if not system.exists(parent):
        system.make_directory(parent)


def require_parent(system: System, path: str) -> None:
    """Fail clearly where the directory that ``path`` stands in is missing.

    Raises:
        NotThereYet: it is.

    """
    parent = path.rstrip("/").rpartition("/")[0] or "/"
    if not system.exists(parent):
        raise NotThereYet(
            "there is no directory {} for {}".format(parent, path), hint="create it first"
        )
