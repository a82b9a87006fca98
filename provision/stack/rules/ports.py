"""Rules about what can be reached, and from where."""

from __future__ import annotations

import ipaddress
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from provision.stack.finding import Problem, Service, rule

_STORES = {6379: "Redis"}


@dataclass(frozen=True)
class Port:
    """A published port or range; ``numbers`` is empty where Docker chooses one."""

    address: str
    numbers: tuple[int, ...]
    targets: tuple[int, ...]
    protocol: str = "tcp"

    def __str__(self) -> str:
        return "-".join(str(n) for n in dict.fromkeys((*self.numbers[:1], *self.numbers[-1:])))


def published(service: Service) -> list[Port]:
    """Return the service's published ports, in whichever syntax they are written."""
    return [_long(entry) if isinstance(entry, dict) else _short(entry) for entry in _ports(service)]


def _ports(service: Service) -> list[Any]:
    return service.items("ports")


def _long(entry: dict[str, Any]) -> Port:
    numbers, targets = _range(entry.get("published")), _range(entry.get("target"))
    return Port(str(entry.get("host_ip") or ""), numbers, targets, entry.get("protocol", "tcp"))


def _short(entry: object) -> Port:
    text, _, protocol = str(entry).partition("/")
    outside, _, target = text.rpartition(":")
    address, colon, numbers = outside.rpartition(":")
    if not colon:
        address, numbers = "", outside
    return Port(address.strip("[]"), _range(numbers), _range(target), protocol or "tcp")


def _range(value: object) -> tuple[int, ...]:
    first, _, last = str(value or "").partition("-")
    if not first.isdigit() or (last and not last.isdigit()):
        return ()
    return tuple(range(int(first), int(last or first) + 1))


@rule("published-address")
def published_address(service: Service) -> Iterator[Problem]:
    """Docker publishes past ufw and firewalld: without an address, to the whole internet."""
    for port in published(service):
        hint = "publish on the host's private IP address: `host_ip: {{ bind_address }}`"
        try:
            address = ipaddress.ip_address(port.address) if port.address else None
        except ValueError:
            yield Problem(
                f"port {port} is published on {port.address!r}, which is not an IP address",
                "set `private_address` or `bind_address` to an IP address of this host",
            )
            continue
        if address is None or address.is_unspecified:
            yield Problem(f"port {port} is published on all addresses, past any firewall", hint)
        elif address.is_global:
            yield Problem(f"port {port} is published on {address}, a public address", hint)


@rule("store-published")
def store_published(service: Service) -> Iterator[Problem]:
    """A data store is nobody's business but its service's."""
    for port in published(service):
        for target in port.targets:
            if target in _STORES:
                yield Problem(
                    f"{_STORES[target]} is published on the host",
                    "let it share a network with `internal: true` with the service that needs it",
                )


@rule("replica-ports")
def replica_ports(service: Service) -> Iterator[Problem]:
    """Replicas cannot share one published port, nor one container name."""
    count = _replicas(service)
    if count < 2:  # noqa: PLR2004
        return
    for port in published(service):
        if port.numbers and len(port.numbers) < count * max(len(port.targets), 1):
            yield Problem(
                f"{count} replicas cannot all publish port {port}",
                "publish a range of that many ports, or render a service per replica",
            )
    if service.spec.get("container_name"):
        yield Problem(f"{count} replicas cannot share a container name", "remove `container_name`")


def _replicas(service: Service) -> int:
    for value in (service.spec.get("scale"), service.mapping("deploy").get("replicas")):
        if str(value or "").isdigit():
            return int(str(value))
    return 1


@rule("port-collision")
def port_collision(service: Service) -> Iterator[Problem]:
    """Two services of a project cannot publish the same port; the later one is at fault."""
    before: Counter[tuple[str, int, str]] = Counter()
    for name in service.model.get("services") or {}:
        other = service.sibling(name)
        here = [(p.address, n, p.protocol) for p in published(other or service) for n in p.numbers]
        if name == service.name:
            for taken in here:
                before[taken] += 1
                if before[taken] > 1:
                    yield Problem(
                        f"port {taken[1]}/{taken[2]} is published twice", "use another one"
                    )
            return
        before.update(here)


@rule("host-network-ports")
def host_network_ports(service: Service) -> Iterator[Problem]:
    """On the host's network `ports` does nothing: what the service binds to is what is open."""
    if service.spec.get("network_mode") == "host" and service.items("ports"):
        yield Problem("`ports` has no effect on the host's network", "remove it")
