"""Groups and hosts while inventory files are being read, and the order that they end up in."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from provision.errors import Location, UsageError
from provision.inventory.model import ALL, UNGROUPED, Group


@dataclass
class GroupNode:
    """A group under construction; see ``provision.inventory.model.Group``."""

    name: str
    where: Location | None = None
    hosts: dict[str, None] = field(default_factory=dict)  # dicts as ordered sets
    children: dict[str, None] = field(default_factory=dict)
    parents: dict[str, None] = field(default_factory=dict)
    variables: dict[str, object] = field(default_factory=dict)
    priority: int = 1


@dataclass
class HostNode:
    """A host under construction: its own variables and the source that named it first.

    ``absence`` asks the source, where that can tell, why the host may not answer.
    """

    name: str
    where: Location | None = None
    source: str | None = None
    directory: str | None = None
    variables: dict[str, object] = field(default_factory=dict)
    absence: Callable[[], str | None] | None = None


class Graph:
    """All groups and hosts, in the order in which the sources name them."""

    def __init__(self) -> None:
        self.groups: dict[str, GroupNode] = {name: GroupNode(name) for name in (ALL, UNGROUPED)}
        self.hosts: dict[str, HostNode] = {}
        self.notices: list[str] = []  # what the sources have to say beside
        self.absent: dict[str, str] = {}  # hosts that a source has left out, and why
        self.add_child(ALL, UNGROUPED)

    def add_group(self, name: str, where: Location | None = None) -> GroupNode:
        """Return the group called ``name``, new or known."""
        return self.groups.setdefault(name, GroupNode(name, where))

    def add_host(self, group: str, host: HostNode, *, port: int | None = None) -> HostNode:
        """Put ``host`` into ``group`` and return it, or the one known by its name.

        As in Ansible, a port written behind the name counts only where the name appears first.
        """
        known = self.hosts.setdefault(host.name, host)
        if known is host and port is not None:
            host.variables["ansible_port"] = port
        self.groups[group].hosts[host.name] = None
        return known

    def add_child(self, parent: str, child: str, where: Location | None = None) -> None:
        """Put the group ``child`` into ``parent``; a group inside itself is a ``UsageError``."""
        if parent == UNGROUPED or (child == UNGROUPED and parent != ALL):
            raise UsageError(
                f"{UNGROUPED!r} holds the hosts of no other group, and has no children or parent",
                where=where,
                hint=f"take {child!r} out of the children of {parent!r}",
            )
        way = self._way(child, parent)
        if way:
            circle = " > ".join([parent, *way])
            raise UsageError(
                f"the group {parent!r} contains itself: {circle}",
                where=where,
                hint=f"take {child!r} out of the children of {parent!r}",
            )
        self.groups[parent].children[child] = None
        self.groups[child].parents[parent] = None

    def _way(self, start: str, goal: str) -> list[str] | None:
        """Return the groups on a way down from ``start`` to ``goal``, both included."""
        came_from = {start: ""}
        front = [start]
        while front and goal not in came_from:
            name = front.pop()
            for child in self.groups[name].children:
                if child not in came_from:
                    came_from[child] = name
                    front.append(child)
        if goal not in came_from:
            return None
        way = [goal]
        while way[-1] != start:
            way.append(came_from[way[-1]])
        return way[::-1]

    def groups_of(self, host: str) -> set[str]:
        """Return the names of the groups that hold a host so far, directly or not."""
        front = [name for name, group in self.groups.items() if host in group.hosts]
        found: set[str] = set()
        while front:
            name = front.pop()
            if name not in found:
                found.add(name)
                front.extend(self.groups[name].parents)
        return found

    def finish(self) -> dict[str, Group]:
        """Attach what has no group, refuse ambiguous names, and return the finished groups."""
        self._refuse_shared_names()
        for group in self.groups.values():
            if group.name != ALL and not group.parents:
                self.add_child(ALL, group.name, group.where)
        self._settle_ungrouped()
        depths = self._depths()
        return {
            name: Group(
                name=name,
                direct_hosts=tuple(node.hosts),
                children=tuple(node.children),
                hosts=tuple(self._all_hosts(name)),
                variables=node.variables,
                depth=depths[name],
                priority=node.priority,
            )
            for name, node in self.groups.items()
        }

    def _refuse_shared_names(self) -> None:
        for name in self.groups:
            if name in self.hosts:
                raise UsageError(
                    f"{name!r} names both a group and a host",
                    where=self.hosts[name].where,
                    hint=f"rename one of them; the group is at {self.groups[name].where}",
                )

    def _settle_ungrouped(self) -> None:
        grouped = {
            host
            for group in self.groups.values()
            if group.name not in (ALL, UNGROUPED)
            for host in group.hosts
        }
        ungrouped = self.groups[UNGROUPED].hosts
        for host in self.hosts:
            if host in grouped:
                ungrouped.pop(host, None)
            else:
                ungrouped[host] = None

    def _depths(self) -> dict[str, int]:
        """Return the length of the longest way from ``all`` to each group."""
        depths = dict.fromkeys(self.groups, 0)
        front = [ALL]
        while front:
            deeper: dict[str, None] = {}
            for name in front:
                for child in self.groups[name].children:
                    if depths[child] <= depths[name]:
                        depths[child] = depths[name] + 1
                        deeper[child] = None
            front = list(deeper)
        return depths

    def _all_hosts(self, name: str) -> dict[str, None]:
        """Return the hosts in and below a group, level by level, as Ansible orders them."""
        found: dict[str, None] = {}
        seen: dict[str, None] = {}
        level = {name: None}
        while level:
            seen.update(level)
            for group in level:
                found.update(self.groups[group].hosts)
            below = {child: None for group in level for child in self.groups[group].children}
            level = {group: None for group in below if group not in seen}
        return found
