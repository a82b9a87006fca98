"""Reading and rewriting what services mount, in Compose's short and long syntax."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

from provision.errors import Location, UsageError
from provision.stack.model import DataDirectory, Owner

ROOT: Owner = (0, 0)
_NOT_DATA = ("/proc", "/sys", "/dev", "/run", "/var/run", "/etc")
"""Writable mounts of these are the host's own, not a place for a service's data."""


@dataclass(frozen=True)
class Mount:
    """A bind mount of a service."""

    source: str
    target: str
    read_only: bool

    @property
    def relative(self) -> bool:
        """Whether the source is a file of ours, not one of the host's."""
        return not self.source.startswith("/")


def bind_of(entry: object) -> Mount | None:
    """Return the bind mount that a ``volumes:`` entry is, or None for a named volume."""
    if isinstance(entry, str):
        source, _, rest = entry.partition(":")
        target, _, options = rest.partition(":")
        if rest and source.startswith(("/", ".", "~")):
            return Mount(source, target, "ro" in options.split(","))
    if isinstance(entry, dict) and entry.get("type") == "bind":
        source, target = str(entry.get("source", "")), str(entry.get("target", ""))
        return Mount(source, target, bool(entry.get("read_only")))
    return None


def rewritten(entry: object, source: str) -> object:
    """Return the ``volumes:`` entry with another source."""
    if isinstance(entry, dict):
        return {**entry, "source": source}
    return f"{source}:{str(entry).partition(':')[2]}"


def rewrite_sources(
    service: dict[str, Any], place: Callable[[str, Owner | None], str]
) -> dict[str, Any]:
    """Return ``service`` with every relative bind source and env file replaced.

    Args:
        service: the service's part of the model.
        place: takes a relative source and who reads it: the container's user reads what it
            mounts, root reads env files (``docker compose`` does, on the host).

    """
    result = dict(service)
    volumes = service.get("volumes")
    if isinstance(volumes, list):
        by_user = partial(_placed, place, user_of(service))
        result["volumes"] = [_with_source(entry, by_user) for entry in volumes]
    env_file = service.get("env_file")
    if env_file is not None:
        by_root = partial(_placed, place, ROOT)
        entries = env_file if isinstance(env_file, list) else [env_file]
        result["env_file"] = [_with_path(entry, by_root) for entry in entries]
    return result


def _placed(place: Callable[[str, Owner | None], str], reader: Owner | None, source: str) -> str:
    return place(source, reader)


def _with_source(entry: object, place: Callable[[str], str]) -> object:
    mount = bind_of(entry)
    return rewritten(entry, place(mount.source)) if mount and mount.relative else entry


def _with_path(entry: Any, place: Callable[[str], str]) -> object:
    path = entry.get("path") if isinstance(entry, dict) else entry
    if not isinstance(path, str) or path.startswith("/"):
        return entry
    return {**entry, "path": place(path)} if isinstance(entry, dict) else place(path)


def user_of(service: dict[str, Any]) -> Owner | None:
    """Return the numeric user and group that the service runs as, or None if it does not say so."""
    user, _, group = str(service.get("user", "")).partition(":")
    if not user.isdigit():
        return None
    return int(user), int(group) if group.isdigit() else int(user)


def data_directories(
    services: dict[str, dict[str, Any]], where: Location
) -> Iterator[DataDirectory]:
    """Yield the directories of the host that services write to.

    Raises:
        UsageError: two services with different users share one.

    """
    owners: dict[str, Owner | None] = {}
    for name, service in services.items():
        for source in _writable(service):
            owner = user_of(service)
            if owners.setdefault(source, owner) != owner:
                raise UsageError(
                    f"{name} writes to {source}, which belongs to another service's user",
                    where=where,
                    hint="give both services the same `user`, or a directory each",
                )
    return (DataDirectory(path, owner) for path, owner in sorted(owners.items()))


def _writable(service: dict[str, Any]) -> Iterator[str]:
    for entry in service.get("volumes") or []:
        mount = bind_of(entry)
        if mount is None or mount.read_only or mount.relative:
            continue
        if not f"{mount.source}/".startswith(tuple(f"{path}/" for path in _NOT_DATA)):
            yield mount.source
