"""A role's release for one host: what is written down there, started, and gone back to."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from provision.agent.resources.compose_project import ComposeProject as RunningProject
from provision.stack.model import ComposeProject, ConfigFile

_SPEC_LABEL = "io.provision.spec"  # see provision.agent.resources.compose_project
_DIGITS = 12


@dataclass(frozen=True)
class Release:
    """One role, rendered for one host, with its images pinned.

    Attributes:
        project: with digests and labels; its text is what Compose gets.
        images: every image as the template names it -> as it is pulled.
        health_timeout: seconds for everything to become healthy.

    """

    project: ComposeProject
    images: Mapping[str, str]
    health_timeout: float

    @property
    def id(self) -> str:
        """Twelve digits that stand for all of it: the text holds every image's and file's digest.

        So deploying what a host has already makes no release, and nothing needs to be compared.
        """
        return hashlib.sha256(self.project.text.encode()).hexdigest()[:_DIGITS]

    def manifest(self, run: str, by: str) -> dict[str, Any]:
        """Return what it is made of, without secrets; enough to start it again one day."""
        project = self.project
        return {
            "role": project.role,
            "project": project.name,
            "run": run,
            "by": by,
            "images": dict(self.images),
            "files": [_file(file, project.root) for file in project.files],
            "directories": [directory.path for directory in project.directories],
            "services": _wishes(project),
            "health_timeout": self.health_timeout,
        }

    def running(self) -> RunningProject:
        """Return what the host is to make of it."""
        return RunningProject(
            project=self.project.name,
            file=f"{self.project.root}/releases/{self.id}/compose.yml",
            services=_wishes(self.project),
            health_timeout=self.health_timeout,
            fallback=f"{self.project.root}/current/compose.yml",
        )


def release_of(
    project: ComposeProject, images: Mapping[str, str], health_timeout: float = 180
) -> Release:
    """Return the release of a rendered project, with its images replaced by their digests."""
    pinned = project.with_images(images).with_labels(_SPEC_LABEL, _spec)
    used = {name: images.get(name, name) for name in project.images}
    return Release(pinned, used, health_timeout)


def running_again(manifest: Mapping[str, Any], root: str) -> RunningProject:
    """Return what a host is to make of a release that it has kept."""
    return RunningProject(
        project=manifest["project"],
        file=f"{root}/releases/{manifest['release']}/compose.yml",
        services=manifest["services"],
        health_timeout=manifest["health_timeout"],
        fallback=f"{root}/current/compose.yml",
    )


def _wishes(project: ComposeProject) -> dict[str, dict[str, Any]]:
    return {name: _wish(service) for name, service in project.services.items()}


def _spec(service: dict[str, Any]) -> str:
    """Return a hash of a service's part of the model."""
    text = json.dumps(service, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _wish(service: dict[str, Any]) -> dict[str, Any]:
    """Return what the host compares with its containers."""
    return {
        "spec": service["labels"][_SPEC_LABEL],
        "image": service["image"],
        "replicas": int((service.get("deploy") or {}).get("replicas", service.get("scale", 1))),
        "has_health": bool(service.get("healthcheck"))
        and not service["healthcheck"].get("disable", False),
        "one_shot": service.get("restart", "no") == "no",
    }


def _file(file: ConfigFile, root: str) -> dict[str, Any]:
    """Describe a mounted file; a secret by the slow digest that is part of its path."""
    described: dict[str, Any] = {"path": file.path, "dest": file.dest}
    if file.secret:
        inside = file.dest.removeprefix(f"{root}/config/")
        return {**described, "secret": True, "fingerprint": inside.partition("/")[0]}
    return {**described, "sha256": hashlib.sha256(file.content.encode()).hexdigest()}
