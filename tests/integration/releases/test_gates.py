"""Gates on real hosts: healthy from inside is not enough."""

from __future__ import annotations

import json

import pytest

from tests.integration.releases.conftest import Cluster

pytestmark = pytest.mark.integration


@pytest.fixture(autouse=True)
def at_version_one(cluster: Cluster) -> None:
    """Begin with version 1, running everywhere."""
    cluster.run("deploy", version="1")
    assert cluster.versions() == {"h1": "1", "h2": "1"}


def gate(**words: object) -> str:
    return json.dumps({"game_server_gate": [words]})


def test_a_gate_that_opens_lets_the_next_batch_begin(cluster: Cluster) -> None:
    asked = gate(tcp="{{ private_address }}:22", **{"from": "all"})
    done = cluster.run("deploy", "-e", asked, version="2")
    assert done.stdout.count("gate game_server") == 2
    assert cluster.versions() == {"h1": "2", "h2": "2"}


def test_a_gate_that_stays_shut_puts_the_batch_back(cluster: Cluster) -> None:
    before = {host: cluster.current(host) for host in cluster.hosts}
    asked = gate(tcp="{{ private_address }}:9", timeout=1, **{"from": "h2"})
    done = cluster.run("deploy", "-e", asked, version="2", expect=3)
    assert "asked by h2: " in done.stdout and "refused" in done.stdout
    assert "undone    h1 is back" in done.stdout and "h2 was not touched" in done.stdout
    assert cluster.versions() == {"h1": "1", "h2": "1"}
    assert {host: cluster.current(host) for host in cluster.hosts} == before
    assert not any(lock["held"] for lock in cluster.locks().values())


def test_a_command_of_this_machine_decides(cluster: Cluster) -> None:
    asked = gate(command=["sh", "-c", "test $PROVISION_HOSTS = h1"])
    done = cluster.run("deploy", "-e", asked, version="2", expect=3)
    assert "it exited with 1" in done.stdout
    assert cluster.versions() == {"h1": "1", "h2": "1"}
