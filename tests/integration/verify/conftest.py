"""The bare host, in an inventory and as a testinfra host."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from testinfra.host import Host

from provision.engine.events import EventBus
from provision.engine.options import RunOptions
from provision.engine.rollout.checking import target_of
from provision.engine.run import Run
from provision.inventory.inventory import Inventory
from provision.lab.host import LabHost
from provision.verify.node import Node
from tests.labs import lab_for


@pytest.fixture(scope="session")
def bare_host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LabHost]:
    """A host of this package's own: what other tests installed would pass the checks."""
    with lab_for("verify", tmp_path_factory) as lab:
        (host,) = lab.up(1, with_images=False)
        yield host


@pytest.fixture(scope="session")
def inventory_file(bare_host: LabHost, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("inventory") / "hosts.yml"
    host = {
        "ansible_host": "127.0.0.1",
        "ansible_port": bare_host.port,
        "ansible_user": bare_host.user,
        "ansible_ssh_private_key_file": str(bare_host.key),
        "provision_known_hosts": str(bare_host.known_hosts),
        "private_address": str(bare_host.private_address),
    }
    path.write_text(yaml.safe_dump({"all": {"hosts": {bare_host.name: host}}}))
    return path


@pytest.fixture(scope="session")
def host(bare_host: LabHost, inventory_file: Path) -> Iterator[Host]:
    """The host through our backend; it wins over testinfra's own fixture of that name."""
    inventory = Inventory.load([inventory_file])
    run = Run("test", inventory, RunOptions(), EventBus(), [bare_host.name])
    yield Node(target_of(run, bare_host.name)).host
    run.fleet.close()
