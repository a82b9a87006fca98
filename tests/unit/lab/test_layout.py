from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network

import pytest

from provision.errors import UsageError
from provision.lab.layout import (
    DEFAULT_NAME,
    DEFAULT_PORTS,
    MAX_HOSTS,
    Layout,
    choose_ports,
    choose_subnet,
    host_names,
    host_number,
)

LAB = Layout("mine", IPv4Network("10.213.4.0/24"), 22300)


def test_everything_of_a_lab_carries_its_name_and_lies_in_its_ranges() -> None:
    assert LAB.container("h2") == "mine-h2"
    assert LAB.port("h2") == 22302
    assert LAB.address("h2") == IPv4Address("10.213.4.12")
    assert LAB.labels == {"io.provision.lab": "1", "io.provision.lab.name": "mine"}
    assert LAB.registry_on_machine == "localhost:22300"


def test_no_two_things_of_a_full_lab_share_a_port_or_an_address() -> None:
    hosts = host_names(MAX_HOSTS)
    ports = {LAB.ports, *(LAB.port(host) for host in hosts)}
    addresses = {LAB.gateway, LAB.registry_address, *(LAB.address(host) for host in hosts)}
    assert len(ports) == MAX_HOSTS + 1
    assert len(addresses) == MAX_HOSTS + 2
    assert addresses <= set(LAB.subnet.hosts())
    assert max(ports) < LAB.ports + 100


@pytest.mark.parametrize("count", [0, -1, MAX_HOSTS + 1])
def test_a_number_of_hosts_that_does_not_fit_is_refused(count: int) -> None:
    with pytest.raises(UsageError, match="1 to"):
        host_names(count)


@pytest.mark.parametrize("name", ["h0", "h", "web1", "h1x", "1", "h100", "hh1"])
def test_what_is_not_a_host_name_is_refused(name: str) -> None:
    with pytest.raises(UsageError, match="no lab host"):
        host_number(name)


def test_the_subnet_overlaps_nothing_that_is_there() -> None:
    taken = [
        IPv4Network("172.17.0.0/16"),
        IPv4Network("10.213.0.0/24"),
        IPv4Network("10.213.1.128/25"),
        IPv4Network("10.213.2.0/23"),
    ]
    assert choose_subnet(taken) == IPv4Network("10.213.4.0/24")


def test_a_machine_whose_network_holds_the_whole_range_is_told() -> None:
    with pytest.raises(UsageError, match="in use"):
        choose_subnet([IPv4Network("10.0.0.0/8")])


def test_the_default_lab_has_the_same_ports_always_and_others_take_the_next_block() -> None:
    assert choose_ports(DEFAULT_NAME, {22200}) == DEFAULT_PORTS
    assert choose_ports("other", set()) == 22200
    assert choose_ports("other", {22100, 22200, 22400}) == 22300
