"""Why a service of a Compose project does not run, in what its containers leave behind."""

from __future__ import annotations

import re
from typing import Any, Dict, List, Mapping, Optional

from provision.agent.compose import Container, Expected, summary, wish
from provision.agent.docker_api import Docker
from provision.agent.failure import Failure
from provision.agent.system import TAIL_LINES, tail

_MOST = 3  # restarts
_WAITING = ("created", "running", "starting", "restarting", "healthy")
_OUT_OF_MEMORY = "killed: it used more memory than its limit allows"
_HINTS = (
    (r"No such image", "pull it first (docker_image), or check its name"),
    (r"port is already allocated|address already in use", "see who has the port: ss -ltnp"),
    (r"no space left on device", "free some space: docker system df"),
    (r"is not a docker command|unknown shorthand flag", "install Docker Compose v2"),
    (r"could not select device driver", "the GPU is not known to Docker: is CDI enabled?"),
)


def verdict(
    docker: Docker, container: Container, service: Expected, *, is_late: bool
) -> Optional[str]:
    """Return what is wrong with a container for good, None while it may still become well.

    It is given up at once when it has exited for good, was restarted three times, or has failed as
    many health checks as its author allows; else when it ``is_late``.
    """
    if container.condition == service.good:
        return None
    if container.condition in _WAITING and not is_late:
        # A crash loop mostly looks like running or starting: only the count tells.
        return described(docker, container) if restarts(docker, container) >= _MOST else None
    return described(docker, container)


def not_well(
    docker: Docker, project: str, container: Container, service: Expected, found: str
) -> Failure:
    """Return the failure of one container, with what it wrote last."""
    return Failure(
        "{}: {} is not {}".format(project, container.service, service.good),
        expected=wish(service),
        found=found,
        log=tail("\n".join(docker.logs(container.id, TAIL_LINES))),
        hint="docker logs {}".format(container.name),
    )


def compose_failed(
    docker: Docker,
    project: str,
    found: List[Container],
    services: Mapping[str, Expected],
    output: str,
) -> Failure:
    """Return why ``docker compose up`` failed: mostly a dependency that does not become healthy."""
    for container in found:
        service = services.get(container.service)
        if service is not None and _is_broken(container, service):
            seen = described(docker, container)
            return not_well(docker, project, container, service, seen)
    hints = (hint for pattern, hint in _HINTS if re.search(pattern, output))
    return Failure(
        "{}: docker compose up failed".format(project),
        found=summary(found),
        log=tail("\n".join(re.findall(r"^(?! (?:Container|Network|Volume) ).+$", output, re.M))),
        hint=next(hints, ""),
    )


def _is_broken(container: Container, service: Expected) -> bool:
    if container.condition in (service.good, "exited 0"):
        return False
    return container.health == "unhealthy" or container.state in ("exited", "restarting", "dead")


def described(docker: Docker, container: Container) -> str:
    """Return a container's condition with all that explains it."""
    details = _inspect(docker, container)
    state = details.get("State") or {}
    parts = ["container " + container.name + " is " + container.condition]
    if container.state == "restarting":
        parts.append("last exit code {}".format(state.get("ExitCode")))
    if details.get("RestartCount"):
        parts.append("restarted {} times".format(details["RestartCount"]))
    if state.get("OOMKilled"):
        parts.append(_OUT_OF_MEMORY)
    if state.get("Error"):
        parts.append(str(state["Error"]))
    checks = (state.get("Health") or {}).get("Log") or []
    if checks and container.health not in ("", "healthy"):
        parts.append("its health check says: " + str(checks[-1].get("Output", "")).strip())
    return "; ".join(parts)


def restarts(docker: Docker, container: Container) -> int:
    """Return how often Docker has restarted the container."""
    return int(_inspect(docker, container).get("RestartCount", 0))


def _inspect(docker: Docker, container: Container) -> Dict[str, Any]:
    details: Dict[str, Any] = docker.get("/containers/{}/json".format(container.id))
    return details
