"""Mode, owner and group: what every path-like resource has."""

from __future__ import annotations

from typing import Optional

from provision.agent.resource import Difference, State
from provision.agent.system import System


def ownership(
    system: System, mode: Optional[int], owner: Optional[str], group: Optional[str]
) -> State:
    """Return the declared ones as state; numbers become the names that they have on the host."""
    state: State = {}
    if mode is not None:
        state["mode"] = mode
    if owner is not None:
        state["owner"] = system.owner_name(int(owner)) if owner.isdigit() else owner
    if group is not None:
        state["group"] = system.group_name(int(group)) if group.isdigit() else group
    return state


def owned_as(system: System, path: str, difference: Difference) -> None:
    """Set the differing ones. Owner first: changing it clears set-user-id bits."""
    owner, group = difference.get("owner"), difference.get("group")
    if owner or group:
        system.set_owner(path, owner.expected if owner else None, group.expected if group else None)
    if "mode" in difference:
        system.set_mode(path, difference["mode"].expected)
