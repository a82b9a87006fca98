"""Which TCP ports that a deploy is to publish on a host somebody else has."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Any, NamedTuple

from provision.stack.finding import Service
from provision.stack.model import ComposeProject
from provision.stack.rules.ports import published


class Holder(NamedTuple):
    """Who has a port: a name for messages, and the command that stops or finds it."""

    name: str
    stop: str


class _Taken(NamedTuple):
    address: str
    port: int
    holder: Holder


def taken_ports(
    facts: Mapping[str, Any], projects: tuple[ComposeProject, ...]
) -> Iterator[tuple[ComposeProject, int, Holder]]:
    """Yield each project's ports that are neither free nor an earlier release's of ``projects``.

    A project of which a container restarts again and again has its ports every other moment, and is
    not judged; nor is anything where Docker is installed and does not answer: what it published
    goes on.

    Args:
        facts: the host's.
        projects: what the host is to run.

    """
    docker = facts["provision_docker"]
    if docker["installed"] and docker["containers"] is None:
        return
    names = {project.name for project in projects}
    containers = docker["containers"] or ()
    others = [container for container in containers if container["project"] not in names]
    taken = [*_of_containers(others), *_of_programs(facts["provision_listeners"], containers)]
    unsteady = {it["project"] for it in containers if it["state"] == "restarting"}
    for project in projects:
        if project.name not in unsteady:
            yield from ((project, port, holder) for port, holder in _collisions(project, taken))


def _of_containers(containers: Iterable[Mapping[str, Any]]) -> Iterator[_Taken]:
    for container in containers:
        name = container["name"]
        for listener in container["listeners"]:
            yield _Taken(**listener, holder=Holder(f"container {name}", f"docker stop {name}"))


def _of_programs(
    listeners: Iterable[Mapping[str, Any]], containers: Iterable[Mapping[str, Any]]
) -> Iterator[_Taken]:
    """Yield what listens on the host itself, less Docker's proxies for its containers."""
    dockers = [listener for container in containers for listener in container["listeners"]]
    for listener in listeners:
        if listener not in dockers:
            port = listener["port"]
            yield _Taken(**listener, holder=Holder("another program", f"ss -ltnp sport = :{port}"))


def _collisions(project: ComposeProject, taken: list[_Taken]) -> Iterator[tuple[int, Holder]]:
    """Yield each of the project's ports that is taken, once, in order."""
    found = {
        number: other.holder
        for name, spec in project.services.items()
        for port in published(Service(name, spec, project.model))
        if port.protocol == "tcp"
        for number in port.numbers
        for other in taken
        if other.port == number and _meet(port.address, other.address)
    }
    yield from sorted(found.items())


def _meet(one: str, other: str) -> bool:
    """Tell whether two sockets of one port cannot be bound to these addresses."""
    first, second = ip_address(one or "::"), ip_address(other or "::")
    return first == second or _covers(first, second) or _covers(second, first)


def _covers(one: IPv4Address | IPv6Address, other: IPv4Address | IPv6Address) -> bool:
    """Tell whether the one means all addresses, the other's among them."""
    return one.is_unspecified and (one.version == 6 or other.version == 4)  # noqa: PLR2004
