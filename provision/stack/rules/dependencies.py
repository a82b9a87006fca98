"""Rules about what refers to what."""

from __future__ import annotations

from collections.abc import Iterator

from provision.stack.finding import Problem, Service, rule
from provision.stack.mounts import bind_of


@rule("depends-on-health")
def depends_on_health(service: Service) -> Iterator[Problem]:
    """The short form waits for a process to start, not for it to work."""
    for name, condition in _dependencies(service).items():
        other = service.sibling(name)
        if other is None:
            yield Problem(f"depends on {name!r}, which is not a service here", "correct the name")
        elif condition in (None, "service_started") and other.mapping("healthcheck"):
            yield Problem(
                f"starts before {name} is healthy",
                f"write `depends_on: {{{name}: {{condition: service_healthy}}}}`",
            )
        elif condition == "service_healthy" and not other.mapping("healthcheck").get("test"):
            yield Problem(
                f"waits for {name} to be healthy, but {name} has no health check",
                f"give {name} a health check",
            )


def _dependencies(service: Service) -> dict[str, str | None]:
    listed = {str(name): None for name in service.items("depends_on")}
    detailed = {
        name: entry.get("condition") if isinstance(entry, dict) else None
        for name, entry in service.mapping("depends_on").items()
    }
    return {**listed, **detailed}


@rule("reference")
def reference(service: Service) -> Iterator[Problem]:
    """Named volumes and networks must be declared at the top level."""
    networks = [*service.items("networks"), *service.mapping("networks")]
    for name in networks:
        if name != "default" and name not in (service.model.get("networks") or {}):
            yield Problem(
                f"the network {name!r} is not declared", f"add `networks: {{{name}: {{}}}}`"
            )
    for name in _volumes(service):
        if name not in (service.model.get("volumes") or {}):
            yield Problem(
                f"the volume {name!r} is not declared", f"add `volumes: {{{name}: {{}}}}`"
            )


def _volumes(service: Service) -> Iterator[str]:
    for entry in service.items("volumes"):
        if isinstance(entry, dict) and entry.get("type") == "volume" and entry.get("source"):
            yield str(entry["source"])
        elif isinstance(entry, str) and ":" in entry and bind_of(entry) is None:
            yield entry.partition(":")[0]
