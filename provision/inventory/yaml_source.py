"""Reads one inventory file: Ansible's YAML format, with what Ansible skips refused."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from provision.errors import Location, UsageError, did_you_mean
from provision.inventory.addresses import expand
from provision.inventory.graph import Graph, HostNode
from provision.inventory.variables import check_names
from provision.source import LocatedMapping, LocatedString, location_of

_SECTIONS = ("hosts", "children", "vars")
_PRIORITY = "ansible_group_priority"


class YamlSource:
    """One inventory file on its way into a graph."""

    def __init__(self, graph: Graph, path: Path) -> None:
        self._graph = graph
        self._path = path

    def read(self, data: object) -> None:
        """Add the groups, hosts and variables in the file's content to the graph.

        Raises:
            UsageError: with file and line, for anything that is not an inventory.

        """
        if data is None:
            raise UsageError(
                "this inventory is empty",
                where=Location(str(self._path)),
                hint="name at least one group: 'trainer: {hosts: {gpu-01: }}'",
            )
        if not isinstance(data, LocatedMapping):
            raise UsageError(
                "an inventory must be a mapping of groups",
                where=location_of(data) or Location(str(self._path)),
                hint="YAML such as 'all: {children: {trainer: {hosts: {gpu-01: }}}}'",
            )
        for name, body in data.items():
            self._read_group(name, body, location_of(data, name))

    def _read_group(self, name: object, body: object, where: Location | None) -> str:
        if not isinstance(name, str) or not name:
            raise UsageError(
                f"a group's name must be text, not {name!r}", where=where, hint="put it in quotes"
            )
        node = self._graph.add_group(str(name), where)
        sections = self._sections(node.name, body, where)
        self._check_sections(node.name, sections)
        variables = self._section(sections, "vars", node.name)
        check_names(variables)
        node.variables.update({str(key): value for key, value in variables.items()})
        if _PRIORITY in node.variables:
            node.priority = _priority(node.variables.pop(_PRIORITY), variables)
        # In the order of the file, since that is the order in which hosts become known.
        for section in sections:
            if section == "children":
                self._read_children(node.name, sections)
            elif section == "hosts":
                self._read_hosts(node.name, sections)
        return node.name

    def _sections(self, group: str, body: object, where: Location | None) -> Mapping[Any, object]:
        if body is None:
            return {}
        if not isinstance(body, LocatedMapping):
            raise UsageError(
                f"the group {group!r} must be a mapping of {', '.join(_SECTIONS)}",
                where=location_of(body) or where,
                hint=f"put its hosts under '{group}: hosts:', one 'name:' each",
            )
        return body

    def _check_sections(self, group: str, sections: Mapping[Any, object]) -> None:
        for key in sections:
            if key not in _SECTIONS:
                raise UsageError(
                    f"unknown key {key!r} in the group {group!r}",
                    where=location_of(sections, key),
                    hint=did_you_mean(str(key), _SECTIONS),
                )

    def _section(
        self, sections: Mapping[Any, object], key: str, group: str
    ) -> Mapping[Any, object]:
        content = sections.get(key)
        if content is None:
            return {}
        if isinstance(content, LocatedString):
            single = LocatedMapping(
                {content: None}
            )  # Ansible allows one name in place of a mapping
            single.location = content.location
            single.key_locations = {content: content.location}
            return single
        if not isinstance(content, LocatedMapping):
            raise UsageError(
                f"{key!r} of the group {group!r} must be a mapping",
                where=location_of(content) or location_of(sections, key),
                hint="write each entry as 'name:', without a leading '-'",
            )
        return content

    def _read_children(self, group: str, sections: Mapping[Any, object]) -> None:
        children = self._section(sections, "children", group)
        for name, body in children.items():
            where = location_of(children, name)
            child = self._read_group(name, body, where)
            self._graph.add_child(group, child, where)

    def _read_hosts(self, group: str, sections: Mapping[Any, object]) -> None:
        entries = self._section(sections, "hosts", group)
        for pattern, variables in entries.items():
            where = location_of(entries, pattern)
            names, port = _expand(pattern, where)
            if variables is not None and not isinstance(variables, LocatedMapping):
                raise UsageError(
                    f"the variables of the host {pattern!r} must be a mapping",
                    where=location_of(variables) or where,
                    hint=f"write '{pattern}: {{ansible_host: …}}', or '{pattern}:' for none",
                )
            check_names(variables or {})
            for name in names:
                host = self._host(name, where)
                known = self._graph.add_host(group, host, port=port)
                known.variables.update(variables or {})

    def _host(self, name: str, where: Location | None) -> HostNode:
        file = self._path.absolute()
        return HostNode(name, where, source=str(file), directory=str(file.parent))


def _expand(pattern: object, where: Location | None) -> tuple[list[str], int | None]:
    if not isinstance(pattern, str) or not pattern:
        raise UsageError(
            f"a host's name must be text, not {pattern!r}", where=where, hint="put it in quotes"
        )
    try:
        return expand(str(pattern))
    except ValueError as error:
        raise UsageError(
            f"host {pattern!r}: {error}",
            where=where,
            hint="ranges look like gpu[01:16], node[a:f] or web[0:10:2]",
        ) from None


def _priority(value: object, variables: Mapping[Any, object]) -> int:
    try:
        return int(str(value))
    except ValueError:
        raise UsageError(
            f"{_PRIORITY} must be a whole number, not {value!r}",
            where=location_of(variables, _PRIORITY),
        ) from None
