"""The driver's task on a host of the lab: without a GPU, and with a simulated one.

Nothing is installed here; ``test_dkms`` does that.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from provision.errors import ExitCode
from provision.lab.host import LabHost
from tests.integration.commandline import Project
from tests.integration.nvidia.simulated import K80, as_root, simulated_gpu

pytestmark = pytest.mark.integration

# A kernel for the next boot: its image would be there, and no more of it is needed for a plan.
KERNEL = "6.12.94+deb13-amd64"
OURS = (
    "ls /etc/apt/preferences.d /etc/modprobe.d /run/provision 2>/dev/null | grep -c nvidia || true"
)


@pytest.fixture
def project(bare_host: LabHost, tmp_path: Path) -> Project:
    inventory = tmp_path / "inventory.yml"
    host = {
        "ansible_host": bare_host.address,
        "ansible_port": bare_host.port,
        "ansible_user": bare_host.user,
        "ansible_ssh_private_key_file": str(bare_host.key),
        "provision_known_hosts": str(bare_host.known_hosts),
    }
    inventory.write_text(yaml.safe_dump({"all": {"hosts": {"h1": host}}}))
    directory = tmp_path / "project"
    directory.mkdir()
    return Project(directory, inventory)


@pytest.fixture
def next_kernel(bare_host: LabHost) -> Iterator[str]:
    as_root(bare_host, f"touch /boot/vmlinuz-{KERNEL}")
    yield KERNEL
    as_root(bare_host, f"rm /boot/vmlinuz-{KERNEL}")


def play(**parameters: str) -> str:
    entry = {"name": "driver", "nvidia_driver": parameters}
    return yaml.safe_dump([{"hosts": "all", "become": True, "tasks": [entry]}])


def test_a_host_without_a_gpu_is_left_as_it_is(project: Project, bare_host: LabHost) -> None:
    done = project.play(play(source="distro"))
    assert done.code == ExitCode.OK, done.shown
    assert done.recap()["h1"]["changed"] == 0
    assert as_root(bare_host, OURS).strip() == "0"


def test_a_plan_shows_what_would_be_installed(
    project: Project, bare_host: LabHost, next_kernel: str
) -> None:
    with simulated_gpu(bare_host):
        plan = project.play(play(source="distro", version="550.163.01"), "--check", "--diff")
    assert plan.code == ExitCode.PENDING, plan.shown
    for expected in (
        "driver: decision   none -> 550.163.01 (before branch 560",
        "reboot needed: kernel ",
        "main contrib non-free non-free-firmware",
        f"linux-headers-{next_kernel}: absent -> installed",
        "nvidia-kernel-dkms: absent -> 550.163.01-*",
        "hold nvidia-kernel-dkms: no -> yes",
        "+Pin: version 550.163.01-*",
        "+blacklist nouveau",
    ):
        assert expected in plan.out, expected
    assert as_root(bare_host, OURS).strip() == "0"


def test_a_refusal_says_what_to_do_and_changes_nothing(
    project: Project, bare_host: LabHost, next_kernel: str
) -> None:
    with simulated_gpu(bare_host, K80):
        done = project.play(play())
    assert done.code == ExitCode.FAILED, done.shown
    for expected in (
        "Tesla K80: too old for any driver that is still maintained",
        "expected  a GPU that one of the branches 580, 590, 595 drives",
        "found     the Kepler architecture, last driven by branch 470",
        "gpu_count: 0",
    ):
        assert expected in done.out, done.out
    assert as_root(bare_host, OURS).strip() == "0"
