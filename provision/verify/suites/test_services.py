"""Each role's services: they run as rendered from the templates."""

from __future__ import annotations

from provision.verify.container import Container, untagged
from provision.verify.demand import demand
from provision.verify.node import Node, Service
from provision.verify.questions import Questions

_CALM = 600.0  # seconds of running after which earlier restarts are history
_RESTARTS = 2  # within that time: a dependency that came later


def questions(node: Node) -> Questions:
    """Return what is asked of every host."""
    return Questions(containers=True)


def _services(node: Node, role: str) -> list[Service]:
    return [service for service in node.services if service.project.role == role]


def _containers(node: Node, role: str) -> list[Container]:
    return [it for service in _services(node, role) for it in node.containers_of(service)]


def test_running(node: Node, role: str) -> None:
    """Every service runs, and is healthy where it has a health check."""
    found = []
    for service in _services(node, role):
        containers = node.containers_of(service)
        if not containers:
            found.append(f"{service.name} has no container")
        found += [f"{it.name} is {_told(it)}" for it in containers if not _is_well(it, service)]
    demand(
        f"{', '.join(it.name for it in _services(node, role))} running and healthy",
        found=found,
        todo="See `docker logs NAME`; a deploy starts what is missing",
    )


def _is_well(container: Container, service: Service) -> bool:
    one_shot = str(service.spec.get("restart", "no")) == "no"
    return container.condition in ("healthy", "running") or (
        one_shot and container.condition == "exited with 0"
    )


def _told(container: Container) -> str:
    said = container.last_words if container.condition == "unhealthy" else ""
    return f"{container.condition} ({said})" if said else container.condition


def test_image(node: Node, role: str) -> None:
    """Every container runs the image that its service names."""
    found = [
        f"{container.name} runs {container.image}, not {service.spec['image']}"
        for service in _services(node, role)
        for container in node.containers_of(service)
        if not _is_image(container.image, str(service.spec.get("image", "")))
    ]
    demand("the images of the inventory", found=found, todo="Deploy to bring it up to date")


def _is_image(actual: str, named: str) -> bool:
    """Tell whether an image is the named one; a deploy may have resolved a tag to its digest."""
    if actual == named:
        return True
    name, _, digest = actual.partition("@")
    return bool(digest) and "@" not in named and untagged(name) == untagged(named)


def test_restarts(node: Node, role: str) -> None:
    """No container keeps restarting, or was ended for want of memory."""
    found = []
    for it in _containers(node, role):
        if it.was_killed_for_memory:
            found.append(f"{it.name} was ended by the kernel: out of memory")
        elif it.restarts > _RESTARTS and node.asked_at - it.started < _CALM:
            found.append(f"{it.name} restarted {it.restarts} times")
    demand(
        "containers that stay up",
        found=found,
        todo="See `docker logs NAME` and the role's memory limit",
    )


def test_nothing_else(node: Node, role: str) -> None:
    """Nothing runs in the role's Compose project that is not declared."""
    project = node.projects[role]
    surplus = [
        f"{it.name} ({it.image})"
        for it in node.containers
        if it.project == project.name and it.service not in project.services
    ]
    demand(
        f"only {', '.join(project.services)} in the project {project.name}",
        found=surplus,
        todo="Deploy again, or remove it with `docker rm -f NAME`",
    )
