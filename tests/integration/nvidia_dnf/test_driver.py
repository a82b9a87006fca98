"""The driver by dnf, from the repository to the reboot; the tests build on each other.

Real: repository, key, module stream, versions, locks, headers, the plan. A stand-in: the module
that DKMS would build, and loading it.
"""

from __future__ import annotations

import json

import pytest

from provision.lab.gpus import DRIVER
from tests.integration.nvidia_dnf.conftest import (
    AMAZON,
    ROCKY,
    OnHost,
    Play,
    as_system,
    changes,
    keys,
    locked,
    versions,
)

pytestmark = pytest.mark.integration

TASK = "nvidia_driver"
OLD, NEW = "580.95.05", "580.105.08"
OTHER_BRANCH = "570.172.08"  # in a module stream of its own
NAMES = ("kmod-nvidia-open-dkms", "nvidia-driver-cuda", "nvidia-kmod-common", "nvidia-persistenced")
PACKAGES = " ".join(NAMES)
ROCKYS = "5.14.0-570.12.1.el9_6.x86_64"
AMAZONS = "6.1.141-155.222.amzn2023.x86_64"
MARKER = "/run/provision/reboot-required"


def locks_on(version: str) -> set[str]:
    return {f"{name}-3:{version}" for name in NAMES}


def driver_locks(on_host: OnHost) -> set[str]:
    return {it for it in locked(on_host, "nvidia") if "container" not in it}


def without_driver(play: Play, on_host: OnHost, kernel: str) -> None:
    """Have the host boot without a driver; its next boot takes a kernel that does not run."""
    on_host(f"simulated-gpu uninstall; touch /boot/vmlinuz-{kernel}")
    assert play("reboot").code == 0


def test_a_driver_that_came_with_the_image_is_left_alone(play: Play, on_host: OnHost) -> None:
    ended = play(TASK)
    assert changes(ended) == 0
    refused = play(TASK, version=OLD)
    assert refused.code == 3, refused.shown
    assert "that packages must not overwrite" in refused.out
    assert f"driver {DRIVER}, which came with the machine's image" in refused.out


def test_a_host_without_a_driver_gets_all_of_it_at_one_version(
    play: Play, on_host: OnHost, fingerprint: str
) -> None:
    without_driver(play, on_host, ROCKYS)
    plan = play(TASK, "--check", version=OLD)
    assert plan.code == 2, plan.shown
    done = play(TASK, version=OLD)
    assert changes(done) > 0
    assert versions(on_host, PACKAGES) == {f"{OLD}-1.el9"}
    assert driver_locks(on_host) == locks_on(f"{OLD}-1.el9")
    assert keys(on_host, "nvidia-cuda") == [fingerprint]
    source = on_host("cat /etc/yum.repos.d/nvidia-cuda.repo")
    assert "baseurl=http://packages.lab.test/cuda/rhel9/x86_64\n" in source
    assert "gpgcheck=1\n" in source
    assert "580-open [e]" in on_host("dnf -q module list nvidia-driver")
    assert on_host(f"rpm -q kernel-devel-{ROCKYS}") == f"kernel-devel-{ROCKYS}"


def test_the_next_boots_kernel_has_the_module_and_a_reboot_is_asked_for(on_host: OnHost) -> None:
    assert on_host(f"ls /lib/modules/{ROCKYS}/extra") == "nvidia.ko"
    assert "blacklist nouveau" in on_host("cat /etc/modprobe.d/provision-nvidia.conf")
    assert on_host("systemctl is-enabled nvidia-persistenced") == "enabled"
    reason = json.loads(on_host(f"cat {MARKER}"))["reason"]
    assert f"and has no module; {ROCKYS} gets it" in reason


def test_an_upgrade_of_everything_leaves_it_alone(play: Play, on_host: OnHost) -> None:
    assert NEW in on_host(f"dnf -qy list --showduplicates --disableplugin=versionlock {NAMES[1]}")
    on_host("dnf -y upgrade")
    assert versions(on_host, PACKAGES) == {f"{OLD}-1.el9"}
    assert changes(play(TASK, version=OLD)) == 0


@pytest.mark.parametrize("version", [NEW, OTHER_BRANCH, NEW])
def test_another_version_takes_locked_dependencies_along(
    play: Play, on_host: OnHost, version: str
) -> None:
    assert changes(play(TASK, version=version)) > 0
    assert versions(on_host, PACKAGES) == {f"{version}-1.el9"}
    assert driver_locks(on_host) == locks_on(f"{version}-1.el9")


def test_the_reboot_loads_it_and_nothing_is_left_to_do(play: Play, on_host: OnHost) -> None:
    assert play("pending_reboot", timeout=120).code == 0
    assert f" {NEW} " in on_host("cat /proc/driver/nvidia/version")
    assert NEW in on_host("nvidia-smi --query-gpu=driver_version --format=csv,noheader")
    assert on_host("systemctl is-active nvidia-persistenced") == "active"
    assert changes(play(TASK, branch=580)) == 0
    assert changes(play("pending_reboot")) == 0


def test_an_nvswitch_brings_the_fabric_manager_at_the_drivers_version(
    play: Play, on_host: OnHost
) -> None:
    on_host(
        "cd /sys/bus/pci/devices; mkdir 0000:40:00.0; cd 0000:40:00.0;"
        " echo 0x10de >vendor; echo 0x22a3 >device; echo 0x068000 >class"
    )
    assert changes(play(TASK)) > 0
    on_host("rm -r /sys/bus/pci/devices/0000:40:00.0")
    assert versions(on_host, "nvidia-fabricmanager") == {f"{NEW}-1.el9"}
    assert f"nvidia-fabricmanager-3:{NEW}-1.el9" in locked(on_host, "nvidia")
    assert on_host("systemctl is-active nvidia-fabricmanager") == "active"


def test_amazon_linux_has_a_repository_and_headers_of_its_own(play: Play, on_host: OnHost) -> None:
    on_host(
        f"dnf -y --disableplugin=versionlock remove {PACKAGES} nvidia-fabricmanager;"
        " dnf versionlock clear"
    )
    without_driver(play, on_host, AMAZONS)
    on_host(as_system(AMAZON))
    done = play(TASK)
    assert play("pending_reboot", timeout=120).code == 0  # a driver is loaded for what follows
    on_host(as_system(ROCKY))
    assert changes(done) > 0
    assert versions(on_host, PACKAGES) == {f"{NEW}-1.amzn2023"}  # the newest of the branch
    assert driver_locks(on_host) == locks_on(f"{NEW}-1.amzn2023")
    assert versions(on_host, f"kernel-devel-{AMAZONS} kernel-modules-extra-{AMAZONS}") == {
        AMAZONS.removesuffix(".x86_64")
    }
    assert f" {NEW} " in on_host("cat /proc/driver/nvidia/version")
