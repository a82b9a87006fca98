"""What rendering a role for a host yields: a Compose model and the files that it mounts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import yaml

from provision.source import plain

_Dumper: type[Any] = getattr(yaml, "CSafeDumper", yaml.SafeDumper)

Owner = tuple[int, int]
"""Numeric user and group id: inside a container nobody can resolve the host's names."""


@dataclass(frozen=True)
class ConfigFile:
    """A file that a container mounts, or that Compose reads as an ``env_file``.

    Attributes:
        path: where it stands below ``templates/config/<role>/``, without ``.j2``.
        dest: absolute path on the host. It holds a digest of the content, so that a changed file is
            a new file: what runs keeps its own, and exactly the services that mount it restart.
        mode: permission bits; 0o400 for secrets.
        owner: the container's user for secrets, None (root) for the rest.
        secret: never to be shown in diffs, logs or reports.

    """

    path: str
    dest: str
    content: str
    mode: int = 0o644
    owner: Owner | None = None
    secret: bool = False


@dataclass(frozen=True)
class DataDirectory:
    """A directory on the host that outlives containers; it must exist before they start."""

    path: str
    owner: Owner | None
    mode: int = 0o750


@dataclass(frozen=True)
class ComposeProject:
    """One role, rendered for one host.

    Attributes:
        name: Compose's project name, such as ``generals-game-server``.
        model: the final Compose model; ``text`` is the same in canonical YAML and holds no secret.
        images: every image of the model, sorted, each once.
        source: the template's path, for error messages.
        root: the directory on the host that belongs to this role.

    """

    role: str
    name: str
    model: dict[str, Any]
    text: str
    files: tuple[ConfigFile, ...]
    images: tuple[str, ...]
    directories: tuple[DataDirectory, ...] = ()
    source: str = ""
    root: str = ""

    @property
    def services(self) -> dict[str, dict[str, Any]]:
        """The model's services by name."""
        services: dict[str, dict[str, Any]] = self.model.get("services") or {}
        return services

    def with_images(self, resolved: Mapping[str, str]) -> ComposeProject:
        """Return the project with images replaced by what ``resolved`` has for them: digests."""
        services = {
            name: {**service, "image": resolved.get(service["image"], service["image"])}
            for name, service in self.services.items()
        }
        model = {**self.model, "services": services}
        return replace(self, model=model, text=canonical(model), images=images_of(model))

    def with_labels(self, name: str, value: Callable[[dict[str, Any]], str]) -> ComposeProject:
        """Return the project with a label on every service, made from that service's model."""
        services = {
            service: {**spec, "labels": {**spec.get("labels", {}), name: value(spec)}}
            for service, spec in self.services.items()
        }
        model = {**self.model, "services": services}
        return replace(self, model=model, text=canonical(model))


def canonical(model: Mapping[str, Any]) -> str:
    """Return ``model`` as YAML that is equal whenever the model is equal."""
    text: str = yaml.dump(
        plain(dict(model)), Dumper=_Dumper, sort_keys=True, width=1000, allow_unicode=True
    )
    return text


def images_of(model: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the images that the model's services name, sorted."""
    services = model.get("services") or {}
    return tuple(sorted({str(s["image"]) for s in services.values() if s.get("image")}))
