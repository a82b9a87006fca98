"""The lab's Docker network; its labels are where the lab's layout is remembered."""

from __future__ import annotations

from ipaddress import IPv4Network, ip_network
from typing import TYPE_CHECKING

from provision.errors import UsageError
from provision.lab import lock, machine
from provision.lab.layout import LABEL, PORTS_LABEL, Layout, choose_ports, choose_subnet

if TYPE_CHECKING:
    from docker import DockerClient
    from docker.models.networks import Network


def find(client: DockerClient, name: str) -> Layout | None:
    """Return the layout of the lab ``name`` as it is, or None where there is no such lab.

    Raises:
        UsageError: when a network of that name belongs to somebody else.

    """
    for network in client.networks.list(names=[name]):
        if network.name != name:
            continue  # Docker matches parts of names
        labels = network.attrs.get("Labels") or {}
        if LABEL not in labels:
            raise UsageError(
                f"there is a Docker network {name!r} that is not a lab's",
                hint="choose another name: provision lab --name NAME …",
            )
        return Layout(name, _subnets(network)[0], int(labels[PORTS_LABEL]))
    return None


def ensure(client: DockerClient, name: str) -> Layout:
    """Return the layout of the lab ``name``, creating its network where there is none."""
    # Two labs that start at the same moment must not choose the same ports.
    with lock.held_for_all_labs("networks"):
        return find(client, name) or _create(client, name)


def _create(client: DockerClient, name: str) -> Layout:
    from docker.types import IPAMConfig, IPAMPool

    networks = client.networks.list()
    ours = (network.attrs.get("Labels") or {} for network in networks)
    ports = choose_ports(name, {int(labels[PORTS_LABEL]) for labels in ours if LABEL in labels})
    taken = [subnet for network in networks for subnet in _subnets(network)]
    layout = Layout(name, choose_subnet([*taken, *machine.routed_networks()]), ports)
    client.networks.create(
        name,
        driver="bridge",
        labels={**layout.labels, PORTS_LABEL: str(ports)},
        ipam=IPAMConfig(
            pool_configs=[IPAMPool(subnet=str(layout.subnet), gateway=str(layout.gateway))]
        ),
    )
    return layout


def _subnets(network: Network) -> list[IPv4Network]:
    pools = (network.attrs.get("IPAM") or {}).get("Config") or []
    subnets = [ip_network(pool["Subnet"]) for pool in pools if pool.get("Subnet")]
    return [subnet for subnet in subnets if isinstance(subnet, IPv4Network)]
