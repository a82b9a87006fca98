"""The facts of a real host beside those that Ansible itself gathers there."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from provision.agent.resources.facts import Facts
from provision.lab.host import LabHost
from provision.transport.channel import AgentChannel

pytestmark = pytest.mark.integration

SAME = [
    "architecture",
    "distribution",
    "distribution_major_version",
    "distribution_release",
    "distribution_version",
    "domain",
    "fqdn",
    "hostname",
    "kernel",
    "machine",
    "machine_id",
    "memtotal_mb",
    "nodename",
    "os_family",
    "pkg_mgr",
    "processor_nproc",
    "processor_vcpus",
    "product_name",
    "python_version",
    "selinux",
    "service_mgr",
    "swaptotal_mb",
    "system",
    "system_vendor",
    "user_dir",
    "user_gid",
    "user_id",
    "user_shell",
    "user_uid",
    "virtualization_role",
    "virtualization_type",
]
MOUNT = ("mount", "device", "fstype", "options", "size_total", "inode_total")
SECONDS = 0.3  # what they take at most, on a busy machine


@pytest.fixture(scope="module")
def ours(agent_on_host: Callable[[], AgentChannel]) -> dict[str, Any]:
    agent = agent_on_host()
    future = agent.submit(Facts())
    agent.flush()
    result = future.result(30)
    assert result.status == "ok"
    assert result.seconds < SECONDS
    return dict(result.data)


@pytest.fixture(scope="module")
def ansibles(bare_host: LabHost) -> dict[str, Any]:
    program = Path(sys.executable).with_name("ansible")
    variables = {
        "ansible_port": bare_host.port,
        "ansible_user": bare_host.user,
        "ansible_ssh_private_key_file": str(bare_host.key),
        "ansible_ssh_common_args": f"-o UserKnownHostsFile={bare_host.known_hosts}",
    }
    argv = [program, bare_host.address, "-i", f"{bare_host.address},", "-e", json.dumps(variables)]
    done = subprocess.run(
        [*argv, "--become", "-m", "setup"], capture_output=True, text=True, check=True, timeout=120
    )
    facts: dict[str, Any] = json.loads(done.stdout[done.stdout.index("{") :])["ansible_facts"]
    return facts


def test_values_are_ansibles(ours: dict[str, Any], ansibles: dict[str, Any]) -> None:
    names = ["ansible_" + name for name in SAME]
    assert {name: ours[name] for name in names} == {name: ansibles[name] for name in names}


def test_interfaces_are_ansibles(ours: dict[str, Any], ansibles: dict[str, Any]) -> None:
    assert set(ours["ansible_interfaces"]) == set(ansibles["ansible_interfaces"])
    for family in ("ansible_all_ipv4_addresses", "ansible_all_ipv6_addresses"):
        assert set(ours[family]) == set(ansibles[family])
    default = ours["ansible_default_ipv4"]
    assert default.items() <= ansibles["ansible_default_ipv4"].items()
    name = "ansible_" + default["interface"]
    assert ours[name].items() <= ansibles[name].items()


def test_mounts_are_ansibles(ours: dict[str, Any], ansibles: dict[str, Any]) -> None:
    def described(facts: dict[str, Any]) -> list[tuple[Any, ...]]:
        # Ansible asks findmnt which mounts are bind mounts, a process that is not worth its while.
        mounts = [
            {**mount, "options": mount["options"].removesuffix(",bind")}
            for mount in facts["ansible_mounts"]
        ]
        return sorted(tuple(mount[key] for key in MOUNT) for mount in mounts)

    assert described(ours) == described(ansibles)


def test_facts_of_our_own(ours: dict[str, Any]) -> None:
    assert {"address": "0.0.0.0", "port": 22} in ours["provision_listeners"]
    assert ours["provision_disks"]["/"]["available"] > 0
    assert len(ours["provision_boot_id"]) == 36
    assert ours["provision_memory_available_mb"] > 0
