from __future__ import annotations

import shlex
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from provision.errors import UsageError
from provision.lab import inventory
from provision.lab.credentials import Credentials
from provision.lab.host import LabHost
from provision.lab.services import LEFT_OUT, variables

ROLES = {
    "game_server",
    "experience_buffer",
    "trainer",
    "model_server",
    "agent_pool",
    "monitoring",
}
CREDENTIALS = Credentials(Path("/somewhere/with space/.lab"))


def hosts(count: int) -> list[LabHost]:
    key, known = CREDENTIALS.key, CREDENTIALS.known_hosts
    return [LabHost(f"h{n}", 22100 + n, key, known, f"10.1.1.{n}") for n in range(1, count + 1)]


def rendered(count: int) -> dict[str, Any]:
    text = inventory.render(hosts(count), CREDENTIALS, {"redis_image": "r/redis:8.0"})
    tree: dict[str, Any] = yaml.safe_load(text)["all"]
    return tree


@pytest.mark.parametrize("count", [1, 2, 3, 4, 7])
def test_every_role_has_a_host_and_every_host_a_role(count: int) -> None:
    names = [f"h{n}" for n in range(1, count + 1)]
    members = inventory.groups(names)
    assert set(members) == ROLES
    assert {host for group in members.values() for host in group} == set(names)


def test_only_the_agents_spread_over_further_hosts() -> None:
    members = inventory.groups(["h1", "h2", "h3", "h4", "h5"])
    assert members["agent_pool"] == ["h2", "h4", "h5"]
    assert members["monitoring"] == ["h3"]
    assert members["game_server"] == members["experience_buffer"] == ["h1"]


def test_simulated_gpus_are_declared_on_the_host_that_has_them() -> None:
    plain, trainer = hosts(2)
    text = inventory.render([plain, replace(trainer, simulated_gpus=2)], CREDENTIALS, {})
    found = yaml.safe_load(text)["all"]["hosts"]
    assert found["h2"]["gpu_count"] == 2
    assert "gpu_count" not in found["h1"]
    assert inventory.groups(["h1", "h2"])["trainer"] == ["h2"]


def test_hosts_are_reached_on_loopback_and_reach_each_other_on_the_lab_network() -> None:
    assert rendered(2)["hosts"]["h2"] == {
        "ansible_host": "127.0.0.1",
        "ansible_port": 22102,
        "private_address": "10.1.1.2",
    }


def test_host_keys_are_checked_against_the_labs_file_by_ansible_as_well() -> None:
    values = rendered(1)["vars"]
    assert values["provision_known_hosts"] == str(CREDENTIALS.known_hosts)
    arguments = shlex.split(values["ansible_ssh_common_args"])
    seen = subprocess.check_output(["ssh", "-F", "none", "-G", *arguments, "x"], text=True)
    assert f"userknownhostsfile {CREDENTIALS.known_hosts}\n" in seen
    assert "stricthostkeychecking no" not in seen


def test_secrets_are_looked_up_and_never_written() -> None:
    values = rendered(3)["vars"]
    for secret in (
        values["registry"]["password"],
        values["redis_password"],
        values["grafana_admin_password"],
    ):
        assert secret.startswith("{{ lookup('file', '/somewhere/with space/.lab/")


def test_images_that_the_lab_cannot_offer_are_left_out() -> None:
    assert {name: variables([])[name] for name in LEFT_OUT} == dict.fromkeys(LEFT_OUT, "")
    assert rendered(1)["vars"]["redis_image"] == "r/redis:8.0"


def test_an_inventory_that_a_person_wrote_is_never_touched(tmp_path: Path) -> None:
    path = tmp_path / "lab.yml"
    path.write_text("all: {hosts: {precious: {}}}\n")
    with pytest.raises(UsageError, match="not written by the lab"):
        inventory.write(path, inventory.HEADER)
    inventory.remove(path)
    assert "precious" in path.read_text()


def test_the_labs_own_inventory_is_replaced_and_removed(tmp_path: Path) -> None:
    path = tmp_path / "inventory" / "lab.yml"
    inventory.write(path, inventory.HEADER + "one\n")
    inventory.write(path, inventory.HEADER + "two\n")
    assert path.read_text() == inventory.HEADER + "two\n"
    assert [each.name for each in path.parent.iterdir()] == ["lab.yml"]
    inventory.remove(path)
    inventory.remove(path)
    assert not path.exists()
