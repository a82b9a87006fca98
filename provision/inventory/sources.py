"""Inventory sources: a YAML file, a directory of them, or a list of hosts such as ``web1,web2``."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from provision.errors import Location, UsageError, nearest
from provision.inventory.addresses import split_port
from provision.inventory.graph import Graph, HostNode
from provision.inventory.model import UNGROUPED
from provision.inventory.vault import Vault
from provision.inventory.yaml_source import YamlSource
from provision.source import LocatedMapping, location_of, read_text

PLUGINS = ("aws_ec2", "amazon.aws.aws_ec2")
_EXTENSIONS = (".yml", ".yaml", ".json")
# What Ansible passes over in a directory (INVENTORY_IGNORE_EXTS, and what holds variables).
_IGNORED = re.compile(
    r"^\.|^(host_vars|group_vars|vars_plugins)$"
    r"|(\.pyc|\.pyo|\.swp|\.bak|~|\.rpm|\.md|\.txt|\.rst|\.orig|\.cfg|\.retry)$"
)


def is_host_list(source: str) -> bool:
    """Tell whether ``source`` is a list of hosts; one host needs a comma behind it: ``web1,``."""
    return "," in source and not Path(source).exists()


def read_source(source: str, graph: Graph, vault: Vault, *, fresh: bool = False) -> Path | None:
    """Add one source to the graph; return the directory that ``group_vars/`` may stand in.

    Args:
        source: a file, a directory of files, or a list of hosts.
        graph: takes what is found.
        vault: opens encrypted values.
        fresh: take no answer that a plugin has kept from before.

    Raises:
        UsageError: when there is no such source, or it is in no format that is read here.

    """
    if is_host_list(source):
        _read_host_list(source, graph)
        return None
    path = Path(source).expanduser()
    if not path.exists():
        raise UsageError(f"there is no inventory {source!r}", hint=_missing_hint(path))
    files = list(_files_below(path)) if path.is_dir() else [path]
    if not files:
        raise UsageError(
            "this directory holds no inventory file",
            where=Location(str(path)),
            hint=f"supported are {', '.join(_EXTENSIONS)}",
        )
    for file in files:
        _read_file(file, graph, vault, fresh=fresh)
    return path if path.is_dir() else path.parent


def _missing_hint(path: Path) -> str:
    near = [entry.name for entry in path.parent.iterdir()] if path.parent.is_dir() else []
    match = nearest(path.name, near)
    return f"did you mean {match!r}?" if match else f"for a host, add a comma: '{path},'"


def _read_host_list(source: str, graph: Graph) -> None:
    for entry in filter(None, map(str.strip, source.split(","))):
        address = split_port(entry)
        name, port = address if address and "[" not in address[0] else (entry, None)
        if name not in graph.hosts:
            graph.add_host(UNGROUPED, HostNode(name, source=source), port=port)


def _files_below(directory: Path) -> Iterator[Path]:
    for path in sorted(directory.iterdir()):
        if _IGNORED.search(path.name):
            continue
        if path.is_dir():
            yield from _files_below(path)
        else:
            yield path


def _read_file(path: Path, graph: Graph, vault: Vault, *, fresh: bool) -> None:
    require_readable(path)
    data = vault.load_yaml(path)
    if isinstance(data, LocatedMapping) and "plugin" in data:
        _read_plugin(data, path, graph, fresh=fresh)
    else:
        YamlSource(graph, path).read(data)


def _read_plugin(data: LocatedMapping, path: Path, graph: Graph, *, fresh: bool) -> None:
    if data["plugin"] not in PLUGINS:
        raise UsageError(
            f"this configures the inventory plugin {data['plugin']!r}; of plugins there is aws_ec2",
            where=location_of(data, "plugin"),
            hint=f"freeze its result: ansible-inventory -i {path} --list --yaml",
        )
    from provision.inventory.ec2.source import read

    read(data, path, graph, fresh=fresh)


def _looks_like_yaml(path: Path) -> bool:
    """Judge a file without extension (``hosts``), which is YAML for some and INI for most."""
    lines = [line for line in read_text(path).splitlines() if line.strip() and line[0] not in "#;"]
    return not any(line.startswith("[") for line in lines) and any(":" in line for line in lines)


def require_readable(path: Path) -> None:
    """Refuse a file that is no YAML inventory.

    Raises:
        UsageError: saying how to convert it.

    """
    if path.suffix in _EXTENSIONS or (not path.suffix and _looks_like_yaml(path)):
        return
    raise UsageError(
        f"this is no YAML inventory; supported are {', '.join(_EXTENSIONS)}, "
        "a directory of such files, and a list of hosts ('web1,web2')",
        where=Location(str(path)),
        hint=f"convert it: ansible-inventory -i {path} --list --yaml > {path.with_suffix('.yml')}",
    )
