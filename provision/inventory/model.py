"""What an inventory consists of: hosts and groups."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

ALL = "all"
UNGROUPED = "ungrouped"

# Ansible's names for the controller; a pattern may name them though no inventory does.
LOCALHOST = ("127.0.0.1", "localhost", "::1")


@dataclass(frozen=True)
class InventoryHost:
    """A machine.

    Args:
        name: its name in the inventory; ``ansible_host`` may hold another address.
        groups: every group it belongs to, directly or not: the widest first, the nearest last.

    """

    name: str
    groups: tuple[str, ...]


@dataclass(frozen=True)
class Group:
    """A set of hosts and groups.

    Args:
        name: its name.
        direct_hosts: the hosts named in the group itself.
        children: the groups named in the group itself.
        hosts: all its hosts, those of its children included.
        variables: those written in inventory files (not ``group_vars/``), untemplated.
        depth: the longest way down to it from ``all``; variables of deeper groups win.
        priority: ``ansible_group_priority``; among groups of one depth, the higher wins.

    """

    name: str
    direct_hosts: tuple[str, ...]
    children: tuple[str, ...]
    hosts: tuple[str, ...]
    variables: Mapping[str, object] = field(repr=False)
    depth: int
    priority: int
