"""The images that a lab's registry offers: what a lab deploys instead of the public ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path

from provision.errors import UsageError
from provision.lab.layout import REGISTRY
from provision.project import find

# Not in Debian, so the lab has no image of them; an empty name leaves the service out.
LEFT_OUT = ("dcgm_exporter_image", "grafana_image", "otel_collector_image", "tempo_image")


@dataclass(frozen=True)
class Service:
    """One image of the registry.

    Args:
        name: of its repository.
        tag: the version in Debian 13; ``lab`` for what is built of this project's sources.
        variable: the inventory variable that names it.
        directory: of its Dockerfile, below ``docker/``.
        arguments: of the build, beside the base image.

    """

    name: str
    tag: str
    variable: str
    directory: str
    arguments: Mapping[str, str] = field(default_factory=dict)

    @property
    def reference(self) -> str:
        """What hosts call the image."""
        return f"{REGISTRY}/{self.name}:{self.tag}"

    def context(self) -> Path | None:
        """Return the directory to build, or None where the project has none."""
        try:
            return find("docker", f"{self.directory}/Dockerfile").parent
        except UsageError:
            return None


_ALL = (
    Service("redis", "8.0", "redis_image", "lab-services/redis"),
    Service("prometheus", "v2.53", "prometheus_image", "lab-services/prometheus"),
    Service("alertmanager", "v0.28", "alertmanager_image", "lab-services/alertmanager"),
    Service("node-exporter", "v1.9", "node_exporter_image", "lab-services/node-exporter"),
    Service("reference", "lab", "reference_image", "reference"),
    Service(
        "reference-trainer",
        "lab",
        "reference_trainer_image",
        "reference",
        {"TORCH": "python3-torch"},
    ),
)


def available() -> list[Service]:
    """Return the services whose images can be built here."""
    return [service for service in _ALL if service.context() is not None]


def by_directory() -> list[list[Service]]:
    """Return them in lists of one directory each, to build in turn: they share their layers."""
    return [list(alike) for _, alike in groupby(available(), lambda service: service.directory)]


def variables(services: Sequence[Service]) -> dict[str, str]:
    """Return the inventory variables that point a stack at these images."""
    return {service.variable: service.reference for service in services} | dict.fromkeys(
        LEFT_OUT, ""
    )
