"""What runs of a Compose project, read from the Docker daemon in one request."""

from __future__ import annotations

import re
from typing import Any, Dict, Iterable, List, NamedTuple, Optional

from provision.agent.docker_api import Docker

# What Compose writes on its containers (github.com/docker/compose, pkg/api/labels.go).
PROJECT = "com.docker.compose.project"
SERVICE = "com.docker.compose.service"
ONE_OFF = "com.docker.compose.oneoff"
# What provision writes on every service: a hash of its part of the model.
SPEC = "io.provision.spec"

_EXITED = re.compile(r"Exited \((-?\d+)\)")
_HEALTH = re.compile(r"\((healthy|unhealthy|health: starting)\)")


class Container(NamedTuple):
    """One container of a project."""

    id: str
    name: str
    service: str
    image: str
    spec: str
    state: str  # Docker's: "running", "exited", "restarting", "created", "paused", "dead", …
    health: str  # "healthy", "unhealthy", "starting", or "" where it has no health check
    exit_code: Optional[int]  # None while it has not exited

    @property
    def condition(self) -> str:
        """How it is, in one word: what a person would say."""
        if self.state == "running":
            return self.health or "running"
        if self.state == "exited":
            return "exited {}".format(self.exit_code)
        return self.state


class Expected(NamedTuple):
    """What a project's service should be."""

    spec: str
    replicas: int = 1
    image: str = ""
    has_health: bool = False
    one_shot: bool = False  # runs once, and is well when it has exited with 0

    @property
    def good(self) -> str:
        """The condition of a container that is as it should be."""
        if self.one_shot:
            return "exited 0"
        return "healthy" if self.has_health else "running"


def containers(docker: Docker, project: str) -> List[Container]:
    """Return the project's containers, stopped ones too, without those of ``compose run``."""
    query = {"all": 1, "filters": {"label": ["{}={}".format(PROJECT, project)]}}
    found = map(_container, docker.get("/containers/json", query))
    return [container for container in found if container is not None]


def _container(entry: Dict[str, Any]) -> Optional[Container]:
    labels = entry.get("Labels") or {}
    if labels.get(ONE_OFF) == "True":
        return None
    exited = _EXITED.search(entry.get("Status", ""))
    health = _HEALTH.search(entry.get("Status", ""))
    return Container(
        id=entry["Id"],
        name=entry["Names"][0].lstrip("/"),
        service=labels.get(SERVICE, ""),
        image=entry["Image"],
        spec=labels.get(SPEC, ""),
        state=entry["State"],
        health=health.group(1).replace("health: ", "") if health else "",
        exit_code=int(exited.group(1)) if exited and entry["State"] == "exited" else None,
    )


def wish(service: Expected) -> str:
    """Return what ``summary`` says of a service whose containers are as they should be."""
    return "{} {}".format(service.replicas, service.good)


def summary(found: Iterable[Container]) -> str:
    """Return how many of a service's containers are in which condition: "2 healthy, 1 dead"."""
    counts: Dict[str, int] = {}
    for container in found:
        counts[container.condition] = counts.get(container.condition, 0) + 1
    parts = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return ", ".join("{1} {0}".format(*part) for part in parts) or "absent"
