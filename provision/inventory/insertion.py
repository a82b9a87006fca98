"""Adding hosts to an inventory file without touching anything else in it.

Lines are put in where the YAML parser says that a mapping ends, so comments, order and style stay
as they are, byte by byte. What the edited text means is compared with what it should mean; a file
that cannot be edited so is refused.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import yaml

from provision.errors import Location, UsageError
from provision.inventory.model import ALL
from provision.source import parse_yaml, plain

Path = tuple[str, ...]
_TAGS = {"!vault": str, "!vault-encrypted": str, "!unsafe": str}
_STEP = 2  # columns that a level is indented, where the file does not show another number


@dataclass(frozen=True)
class Entry:
    """A host to be in an inventory.

    Args:
        name: the host's.
        groups: those that it is to be in; none: ``all``.
        variables: its own.

    """

    name: str
    groups: tuple[str, ...] = ()
    variables: Mapping[str, object] = field(default_factory=dict)


def add_hosts(text: str, entries: Sequence[Entry], file: str) -> str:
    """Return the text of an inventory with these hosts in their groups; an empty one is begun.

    A host that is in a group already stays as it is there.

    Args:
        text: the inventory's.
        entries: what to add; the variables are written once, in the first group that lacks it.
        file: the name of the inventory, for messages.

    Raises:
        UsageError: the file cannot be edited so; says what to write into it by hand.

    """
    for entry in entries:
        variables: Mapping[str, object] = {} if _is_known(text, entry.name) else entry.variables
        for group in entry.groups or (ALL,):
            text, is_new = _added(text, group, entry.name, variables, file)
            variables = {} if is_new else variables
    return text


def lines_of(entries: Sequence[Entry]) -> list[str]:
    """Return the lines of an inventory that has these hosts alone."""
    return add_hosts("", entries, "inventory").splitlines()


def _added(
    text: str, group: str, host: str, variables: Mapping[str, object], file: str
) -> tuple[str, bool]:
    root = _composed(text)
    if root is None:
        text = text + ("" if not text or text.endswith("\n") else "\n") + f"{ALL}:\n"
        root = _composed(text)
    assert root is not None  # noqa: S101 - there is one key at least
    path = (*_path_of(root, group), "hosts", host)
    old = plain(parse_yaml(text, file, _TAGS))
    if _is_there(old, path):
        return text, False
    edited = _inserted(text, root, path, variables)
    if edited is None or plain(parse_yaml(edited, file, _TAGS)) != _with(old, path, variables):
        raise UsageError(
            f"the group {group} is written in a way that cannot be edited here",
            where=Location(file),
            hint=f"add the host by hand: {_flow({host: dict(variables) or None})[1:-1]}",
        )
    return edited, True


def _composed(text: str) -> yaml.Node | None:
    return yaml.compose(text, Loader=yaml.SafeLoader)


# -- where ----------------------------------------------------------------------------------


def _path_of(root: yaml.Node, group: str) -> Path:
    """Return where a group's hosts are listed, or where a new group belongs."""
    found = [(path, node) for path, node in _groups(root, ()) if path[-1] == group]
    for kind in ("hosts", ""):
        for path, node in found:
            if isinstance(node, yaml.MappingNode) and (not kind or kind in _keys(node)):
                return path
    if found:
        return found[0][0]
    return (ALL, "children", group) if ALL in _keys(root) else (group,)


def _groups(node: yaml.Node, path: Path) -> Iterator[tuple[Path, yaml.Node]]:
    """Yield every place that a group is written at: its path, and what it says there."""
    for name, body in _pairs(node):
        yield (*path, name), body
        for section, content in _pairs(body):
            if section == "children":
                yield from _groups(content, (*path, name, section))


def _pairs(node: yaml.Node) -> Iterator[tuple[str, yaml.Node]]:
    if isinstance(node, yaml.MappingNode):
        yield from ((str(key.value), value) for key, value in node.value)


def _keys(node: yaml.Node) -> list[str]:
    return [key for key, _ in _pairs(node)]


def _is_known(text: str, host: str) -> bool:
    root = _composed(text)
    bodies = [] if root is None else [body for _, body in _groups(root, ())]
    hosts = [content for body in bodies for key, content in _pairs(body) if key == "hosts"]
    return any(host in _keys(each) for each in hosts)


# -- what it means --------------------------------------------------------------------------


def _is_there(data: Any, path: Path) -> bool:
    for key in path:
        if not isinstance(data, dict) or key not in data:
            return False
        data = data[key]
    return True


def _with(data: Any, path: Path, variables: Mapping[str, object]) -> Any:
    """Return the data with a value at ``path``, as the edited text should read."""
    result = copy.deepcopy(data)
    place = result
    for key in path[:-1]:
        if place.get(key) is None:
            place[key] = {}
        place = place[key]
    place[path[-1]] = dict(variables) or None
    return result


# -- text -----------------------------------------------------------------------------------


def _inserted(
    text: str, root: yaml.Node, path: Path, variables: Mapping[str, object]
) -> str | None:
    """Return the text with a host put in at ``path``; None where it has no place for it."""
    key, node, depth = None, root, 0
    while isinstance(node, yaml.MappingNode) and path[depth] in _keys(node):
        key, node = next(pair for pair in node.value if pair[0].value == path[depth])
        depth += 1
    rest = path[depth:]
    value: Any = dict(variables) or None
    if isinstance(node, yaml.MappingNode) and node.flow_style:
        for name in reversed(rest):
            value = {name: value}
        return _into_flow(text, node, _flow(value)[1:-1])
    if isinstance(node, yaml.MappingNode):
        column, line = node.value[0][0].start_mark.column, _last_line(node)
    elif key is not None and node.value == "" and node.start_mark.index == node.end_mark.index:
        column, line = key.start_mark.column + _step(root), key.end_mark.line
    else:
        return None
    return _after_line(text, line, _block(rest, value, column, _step(root)))


def _block(path: Path, value: object, column: int, step: int) -> list[str]:
    """Return nested keys, one a line, the last with its value."""
    *outer, name = path
    lines = [f"{' ' * (column + depth * step)}{_key(key)}:" for depth, key in enumerate(outer)]
    last = _key(name) + ":" if value is None else _flow({name: value})[1:-1]
    return [*lines, " " * (column + len(outer) * step) + last]


def _into_flow(text: str, node: yaml.MappingNode, item: str) -> str:
    closing = node.end_mark.index - 1
    before = text[:closing].rstrip()
    separator = {"{": "", ",": " ", ":": " , "}.get(before[-1], ", ")
    return f"{before}{separator}{item}{text[len(before) :]}"


def _after_line(text: str, number: int, new: Sequence[str]) -> str:
    lines = text.splitlines(keepends=True)
    end = "\r\n" if lines[0].endswith("\r\n") else "\n"
    if not lines[number].endswith("\n"):
        lines[number] += end
    lines[number + 1 : number + 1] = [line + end for line in new]
    return "".join(lines)


def _last_line(node: yaml.Node) -> int:
    """Return the number, from 0, of the last line that belongs to a node: no comment after it."""
    if isinstance(node, yaml.CollectionNode) and not node.flow_style and node.value:
        last = node.value[-1]
        if isinstance(last, tuple):
            return max(_last_line(last[0]), _last_line(last[1]))
        return _last_line(last)
    mark = node.end_mark
    # A block scalar ends where the next token begins.
    return int(
        mark.line - 1 if mark.column == 0 and mark.index > node.start_mark.index else mark.line
    )


def _step(root: yaml.Node) -> int:
    for _, value in _pairs(root):
        if isinstance(value, yaml.MappingNode) and not value.flow_style and value.value:
            return int(value.value[0][0].start_mark.column) or _STEP
    return _STEP


def _flow(value: object) -> str:
    """Return a value on one line, as ``{a: 1}``; an empty one as nothing."""
    text = yaml.safe_dump(value, default_flow_style=True, sort_keys=False, width=10**9)
    return str(text).strip().replace(": null}", ": }")


def _key(name: str) -> str:
    return _flow({name: 0})[1:-4]
