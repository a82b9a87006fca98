"""What the inventory says of a host that is being bootstrapped, before and after."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from provision.engine.bootstrap.inventory import Newcomers, edited, with_findings, write
from provision.engine.bootstrap.targets import parse_targets
from provision.errors import UsageError
from provision.inventory.insertion import Entry

OURS = """\
all:
  vars: {ansible_user: ubuntu}
  children:
    trainer:
      hosts:
        gpu-01: {ansible_host: 203.0.113.1}
        gpu-02: {ansible_user: deploy}
"""


def newcomers(
    *targets: str, file: Path | None = None, user: str = "deploy", **settings: Any
) -> Newcomers:
    parsed = {target.name: target for target in parse_targets(targets)}
    given = {"roles": ("trainer",), "key_files": {}, **settings}
    return Newcomers(targets=parsed, user=user, file=file, **given)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    (tmp_path / "group_vars").mkdir()
    (tmp_path / "group_vars" / "trainer.yml").write_text("docker_source: distro\n")
    path = tmp_path / "prod.yml"
    path.write_text(OURS)
    return path


def test_a_host_without_an_inventory() -> None:
    inventory = newcomers("gpu=root@203.0.113.7:2222", roles=("trainer", "monitoring")).inventory(
        {"x": 1}
    )
    assert set(inventory.hosts["gpu"].groups) == {"all", "trainer", "monitoring"}
    assert inventory.variables("gpu") == {
        "ansible_host": "203.0.113.7",
        "ansible_port": 2222,
        "ansible_user": "deploy",
        "x": 1,
    }


def test_the_name_is_the_address_where_none_is_given() -> None:
    inventory = newcomers("root@203.0.113.7", roles=()).inventory({})
    assert inventory.variables("203.0.113.7") == {"ansible_user": "deploy"}
    assert inventory.groups["ungrouped"].hosts == ("203.0.113.7",)


def test_this_machine_needs_no_login() -> None:
    inventory = newcomers("localhost", "build=127.0.0.1").inventory({})
    assert inventory.variables("localhost") == {}
    assert inventory.variables("build") == {"ansible_connection": "local"}


def test_variables_of_the_inventory_count(file: Path) -> None:
    inventory = newcomers("gpu-03=root@203.0.113.3", file=file).inventory({})
    assert inventory.variables("gpu-03")["docker_source"] == "distro"
    assert inventory.variables("gpu-03")["ansible_user"] == "deploy"
    assert set(inventory.hosts) == {"gpu-01", "gpu-02", "gpu-03"}


def test_only_what_is_not_said_already_is_written(file: Path) -> None:
    ours = newcomers("gpu-03=root@203.0.113.3", file=file, user="ubuntu")
    entry = ours.entry("gpu-03", ours.known())
    assert entry == Entry("gpu-03", ("trainer",), {"ansible_host": "203.0.113.3"})


def test_the_key_is_named_in_a_way_that_others_can_use(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    ours = newcomers("root@gpu", key_files={"gpu": tmp_path / ".ssh" / "cluster"})
    variables = ours.entry("gpu", ours.known()).variables
    assert variables["ansible_ssh_private_key_file"] == "~/.ssh/cluster"


@pytest.mark.parametrize(
    ("target", "problem"),
    [
        ("gpu-01=root@203.0.113.99", "gpu-01 is .* but ansible_host is 203.0.113.1"),
        ("gpu-01=root@203.0.113.1", "gpu-01 is .* but ansible_user is ubuntu"),
        ("gpu-02=root@203.0.113.2", "gpu-02 is .* but ansible_host is not set"),
    ],
)
def test_a_host_that_the_inventory_has_otherwise(file: Path, target: str, problem: str) -> None:
    with pytest.raises(UsageError, match=problem):
        newcomers(target, file=file).inventory({})


@pytest.mark.parametrize("target", ["new=root@203.0.113.1", "root@203.0.113.1:22", "new=x@gpu-02"])
def test_a_host_that_the_inventory_has_by_another_name(file: Path, target: str) -> None:
    with pytest.raises(UsageError, match=r"is in the inventory already, as gpu-0[12]"):
        newcomers(target, file=file).inventory({})


def test_another_port_of_an_address_is_another_host(file: Path) -> None:
    inventory = newcomers("new=root@203.0.113.1:2222", file=file).inventory({})
    assert "new" in inventory.hosts


def test_a_host_that_the_inventory_has_just_so(file: Path) -> None:
    ours = newcomers("gpu-02", file=file)
    entry = ours.entry("gpu-02", ours.known())
    assert entry.variables == {}
    assert edited(file, [entry]) is None


def test_files_that_cannot_be_added_to(file: Path) -> None:
    file.write_text("$ANSIBLE_VAULT;1.1;AES256\n3031\n")
    with pytest.raises(UsageError, match="encrypted"):
        newcomers("root@gpu", file=file).inventory({})
    file.write_text("plugin: aws_ec2\nregions: [eu-central-1]\n")
    with pytest.raises(UsageError, match="its hosts come from"):
        newcomers("root@gpu", file=file).inventory({})
    listed = file.with_suffix(".ini")
    listed.write_text("[trainer]\ngpu-01\n")
    with pytest.raises(UsageError, match="no YAML inventory"):
        newcomers("root@gpu", file=listed).inventory({})
    file.write_text("trainer:\n  hosts: gpu-01\n")
    with pytest.raises(UsageError, match="cannot be edited"):
        newcomers("root@gpu", file=file).inventory({})


FACTS = {
    "ansible_default_ipv4": {"address": "10.0.2.7"},
    "ansible_all_ipv4_addresses": ["10.0.2.7", "172.17.0.1"],
    "ansible_all_ipv6_addresses": [],
    "provision_nvidia": {"devices": [{"class": "0x030200"}] * 8 + [{"class": "0x068000"}]},
}


@pytest.mark.parametrize(
    ("target", "known", "found"),
    [
        ("203.0.113.7", {}, {"private_address": "10.0.2.7", "gpu_count": 8}),
        ("gpu.example.com", {"gpu_count": 8}, {"private_address": "10.0.2.7"}),
        ("10.0.2.7", {}, {"gpu_count": 8}),
        ("203.0.113.7", {"private_address": "{{ x }}", "gpu_count": 4}, {}),
    ],
)
def test_what_the_host_says_of_itself(
    target: str, known: dict[str, object], found: dict[str, object]
) -> None:
    (parsed,) = parse_targets([target])
    entry = with_findings(Entry("gpu", ("trainer",)), parsed, FACTS, known)
    assert entry.variables == found
    assert with_findings(Entry("gpu"), parsed, FACTS, known).variables == {}


def test_a_file_is_replaced_at_once_and_keeps_its_mode(tmp_path: Path) -> None:
    real = tmp_path / "real.yml"
    real.write_text("old")
    real.chmod(0o640)
    link = tmp_path / "prod.yml"
    link.symlink_to(real)
    write(link, "new\r\n")
    assert link.is_symlink()
    assert real.read_bytes() == b"new\r\n"
    assert real.stat().st_mode & 0o777 == 0o640
    assert sorted(path.name for path in tmp_path.iterdir()) == ["prod.yml", "real.yml"]


def test_a_directory_is_made_for_a_new_file(tmp_path: Path) -> None:
    write(tmp_path / "inventory" / "prod.yml", "all:\n")
    assert (tmp_path / "inventory" / "prod.yml").read_text() == "all:\n"
