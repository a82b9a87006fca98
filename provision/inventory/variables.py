"""Variables beside the inventory and the playbook: ``group_vars/`` and ``host_vars/``.

Which files count, and in which order, follows Ansible's ``host_group_vars`` plugin and
``DataLoader.find_vars_files``.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

from provision.errors import Location, UsageError, did_you_mean, nearest
from provision.inventory.vault import Vault
from provision.source import LocatedMapping, location_of

_EXTENSIONS = ("", ".yml", ".yaml", ".json")
_WORDS_OF_JINJA = frozenset({"true", "false", "none", "True", "False", "None", "not"})


def check_names(variables: Mapping[Any, object]) -> None:
    """Refuse variables that no template could name."""
    for name in variables:
        usable = isinstance(name, str) and name.isascii() and name.isidentifier()
        if not usable or name in _WORDS_OF_JINJA:
            raise UsageError(
                f"{name!r} cannot be the name of a variable",
                where=location_of(variables, name),
                hint="use letters, digits and underscores, and begin with a letter",
            )


class VariableFiles:
    """The ``group_vars/`` and ``host_vars/`` of some directories; files are read once."""

    def __init__(self, directories: tuple[Path, ...], vault: Vault) -> None:
        self.directories = directories
        self._vault = vault
        self._cache: dict[tuple[Path, str, str], Mapping[str, object]] = {}

    def of_groups(self, names: tuple[str, ...]) -> dict[str, object]:
        """Merge the variables of groups: by directory, and in each in the order of ``names``."""
        return self._merge("group_vars", names)

    def of_host(self, name: str) -> dict[str, object]:
        """Merge the variables of one host, directory by directory."""
        return self._merge("host_vars", (name,))

    def idle(self, groups: Collection[str], hosts: Collection[str]) -> Iterator[str]:
        """Say which files set nothing: those of no group or host, and those hidden by another."""
        for directory in dict.fromkeys(self.directories):
            for kind, names in (("group_vars", groups), ("host_vars", hosts)):
                yield from _idle_files(directory / kind, names)

    def _merge(self, kind: str, names: tuple[str, ...]) -> dict[str, object]:
        merged: dict[str, object] = {}
        for directory in self.directories:
            for name in names:
                merged.update(self._load(directory, kind, name))
        return merged

    def _load(self, directory: Path, kind: str, name: str) -> Mapping[str, object]:
        key = (directory, kind, name)
        if key not in self._cache:
            merged: dict[str, object] = {}
            for path in find_files(directory / kind, name):
                merged.update(read_variables(path, self._vault))
            self._cache[key] = merged
        return self._cache[key]


def _idle_files(directory: Path, names: Collection[str]) -> Iterator[str]:
    """Go through ``group_vars/`` or ``host_vars/`` with the names of all groups or hosts."""
    if not directory.is_dir():
        return
    used = {_first(directory, name) for name in names}
    for path in sorted(directory.iterdir()):
        name = path.name if path.is_dir() else path.name.removesuffix(path.suffix)
        if path in used or path.name.startswith(".") or path.suffix not in _EXTENSIONS:
            continue
        if name in names:
            yield f"{path} is not read, because {_first(directory, name)} is"
        else:
            hint = did_you_mean(name, names) if nearest(name, names) else None
            what = "group" if directory.name == "group_vars" else "host"
            yield f"{path} sets nothing: there is no {what} {name!r}" + (
                f"; {hint}" if hint else ""
            )


def read_variables(path: Path, vault: Vault) -> Mapping[str, object]:
    """Read one file of variables; an empty one holds none."""
    data = vault.load_yaml(path)
    if data is None:
        return {}
    if not isinstance(data, LocatedMapping):
        raise UsageError(
            "a file of variables must be a mapping",
            where=location_of(data) or Location(str(path)),
            hint="write 'name: value' on each line",
        )
    check_names(data)
    return data


def find_files(directory: Path, name: str) -> list[Path]:
    """Return the files of variables for ``name``: the first that exists, or all of a directory."""
    path = _first(directory, name)
    if path is None:
        return []
    return _files_below(path) if path.is_dir() else [path]


def _first(directory: Path, name: str) -> Path | None:
    """Return the one file or directory that counts for ``name``."""
    if name.startswith("/") or not directory.is_dir():  # a chroot's path may be a host's name
        return None
    candidates = (directory / f"{name}{extension}" for extension in _EXTENSIONS)
    return next((path for path in candidates if path.exists()), None)


def _files_below(directory: Path) -> list[Path]:
    found: list[Path] = []
    for path in sorted(directory.iterdir()):
        if path.name.startswith(".") or path.name.endswith("~"):
            continue
        if path.is_dir() and not path.suffix:
            found.extend(_files_below(path))
        elif path.is_file() and path.suffix in _EXTENSIONS:
            found.append(path)
    return found
