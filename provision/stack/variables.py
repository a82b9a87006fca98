"""The variables that templates see: the host's, over the shipped and the user's defaults."""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any, cast

from provision.errors import Location, UsageError
from provision.project import search_path
from provision.source import load_yaml
from provision.templating import Templater, unrendered

_DEFAULTS = "compose/defaults.yml"


def template_directories(project: Path | None) -> tuple[Path, ...]:
    """Return the ``templates/`` directories, the user's first."""
    return tuple(search_path("templates", project))


def templater_for(variables: Mapping[str, object], project: Path | None) -> Templater:
    """Return a templater for one host.

    ``hostvars`` in templates has the defaults of every host, too, rendered with that host's own
    variables: ``hostvars[h].private_address`` is what ``h`` itself calls its private address.
    """
    search = template_directories(project)
    defaults = _defaults(search)
    variables = unrendered(variables)  # those that use a default could not be rendered without
    peers = _Peers(cast("Mapping[str, Any]", variables.get("hostvars") or {}), defaults, search)
    return Templater(ChainMap({"hostvars": peers}, _maps(variables), defaults), search=search)


class _Peers(Mapping[str, Mapping[str, object]]):
    """Every host's variables, over the defaults."""

    def __init__(
        self, hosts: Mapping[str, Any], defaults: dict[str, object], search: tuple[Path, ...]
    ) -> None:
        self._hosts = hosts
        self._defaults = defaults
        self._search = search

    def __getitem__(self, host: str) -> Mapping[str, object]:
        own: dict[str, object] = {"inventory_hostname": host, "hostvars": self}
        raw = _maps(unrendered(self._hosts[host]))
        layers: ChainMap[str, object] = ChainMap(own, raw, self._defaults)
        return Templater(layers, search=self._search).view()

    def __iter__(self) -> Iterator[str]:
        return iter(self._hosts)

    def __len__(self) -> int:
        return len(self._hosts)


def _maps(variables: Mapping[str, object]) -> dict[str, object]:
    """Type ``variables`` as a layer of a ``ChainMap``, which never writes to any but the first."""
    return cast("dict[str, object]", variables)


def _defaults(search: tuple[Path, ...]) -> dict[str, object]:
    """Return the defaults of all directories; the user's entries win one by one."""
    merged: dict[str, object] = {}
    for directory in reversed(search):
        path = directory / _DEFAULTS
        if path.is_file():
            merged.update(_read(path, path.stat().st_mtime_ns))
    return merged


@lru_cache(maxsize=8)
def _read(path: Path, _changed: int) -> dict[str, object]:
    content = load_yaml(path)
    if not isinstance(content, dict):
        raise UsageError("must be a mapping of variable names", where=Location(str(path), 1))
    return content
