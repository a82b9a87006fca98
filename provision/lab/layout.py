"""Which names, addresses and ports a lab uses: pure arithmetic, no Docker."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network

from provision.errors import UsageError

LABEL = "io.provision.lab"
NAME_LABEL = "io.provision.lab.name"
CREDENTIALS_LABEL = "io.provision.lab.credentials"
PORTS_LABEL = "io.provision.lab.ports"
DOMAIN = "lab.test"  # .test is reserved for this by RFC 6761
DEFAULT_NAME = "provision-lab"

REGISTRY_PORT = 5000
REGISTRY_HOST = f"registry.{DOMAIN}"
REGISTRY = f"{REGISTRY_HOST}:{REGISTRY_PORT}"
PACKAGES_HOST = f"packages.{DOMAIN}"

PORTS_PER_LAB = 100
DEFAULT_PORTS = 22100
_LAST_PORTS = 31900  # below Linux' ephemeral ports, which start at 32768
MAX_HOSTS = PORTS_PER_LAB - 1
_SUBNETS = IPv4Network("10.213.0.0/16")
_REGISTRY_OFFSET = 5
_PACKAGES_OFFSET = 6
_FIRST_HOST_OFFSET = 10


@dataclass(frozen=True)
class Layout:
    """The fixed names and addresses of one lab.

    Args:
        name: of the lab, its network, and the prefix of its containers.
        subnet: of the lab's Docker network.
        ports: first of the machine's loopback ports that belong to this lab: the registry's;
            host N listens on ``ports + N``.

    """

    name: str
    subnet: IPv4Network
    ports: int

    @property
    def labels(self) -> dict[str, str]:
        """The Docker labels of everything that belongs to this lab."""
        return {LABEL: "1", NAME_LABEL: self.name}

    @property
    def gateway(self) -> IPv4Address:
        """The machine's own address on the lab's network."""
        return self.subnet[1]

    @property
    def registry_container(self) -> str:
        """The registry's container name, also that of its volume."""
        return f"{self.name}-registry"

    @property
    def registry_address(self) -> IPv4Address:
        """The registry's address on the lab's network."""
        return self.subnet[_REGISTRY_OFFSET]

    @property
    def packages_container(self) -> str:
        """The package repository's container name."""
        return f"{self.name}-packages"

    @property
    def packages_address(self) -> IPv4Address:
        """The package repository's address on the lab's network."""
        return self.subnet[_PACKAGES_OFFSET]

    @property
    def registry_on_machine(self) -> str:
        """Where this machine reaches the registry; Docker trusts loopback without a CA."""
        return f"localhost:{self.ports}"

    def container(self, host: str) -> str:
        """Return the container name of ``host``, such as ``provision-lab-h1``."""
        return f"{self.name}-{host}"

    def address(self, host: str) -> IPv4Address:
        """Return the host's fixed address on the lab's network."""
        return self.subnet[_FIRST_HOST_OFFSET + host_number(host)]

    def port(self, host: str) -> int:
        """Return the machine's loopback port that leads to the host's sshd."""
        return self.ports + host_number(host)


def host_names(count: int) -> list[str]:
    """Return ``h1 … hN``.

    Raises:
        UsageError: when ``count`` does not fit into one lab.

    """
    if not 1 <= count <= MAX_HOSTS:
        raise UsageError(f"a lab has 1 to {MAX_HOSTS} hosts, not {count}")
    return [f"h{number}" for number in range(1, count + 1)]


def host_number(host: str) -> int:
    """Return N of ``hN``; anything else is a ``UsageError``."""
    number = host.removeprefix("h")
    if host == number or not number.isdigit() or not 1 <= int(number) <= MAX_HOSTS:
        raise UsageError(f"no lab host is called {host!r}", hint="they are called h1, h2, …")
    return int(number)


def choose_subnet(taken: Collection[IPv4Network]) -> IPv4Network:
    """Return the first /24 of the lab range that overlaps none of ``taken``."""
    for subnet in _SUBNETS.subnets(new_prefix=24):
        if not any(subnet.overlaps(other) for other in taken):
            return subnet
    raise UsageError(
        f"every subnet of {_SUBNETS} is in use on this machine",
        hint="remove old labs: provision lab --name NAME down",
    )


def choose_ports(name: str, taken: Collection[int]) -> int:
    """Return the first port of the lab's block.

    The default lab always has the same ports; any other lab gets the first block of which no lab
    has taken the first port.
    """
    if name == DEFAULT_NAME:
        return DEFAULT_PORTS
    blocks = range(DEFAULT_PORTS + PORTS_PER_LAB, _LAST_PORTS + 1, PORTS_PER_LAB)
    for ports in blocks:
        if ports not in taken:
            return ports
    raise UsageError("too many labs on this machine: no block of ports is free")
