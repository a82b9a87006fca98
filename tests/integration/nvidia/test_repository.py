"""NVIDIA's repository for Debian, as the lab serves it: key, pin, holds, versions, and the reboot.

The packages are stand-ins, and the GPUs simulated; the tests build on each other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import yaml

from provision.lab.gpus import DRIVER
from provision.lab.lab import Lab
from provision.source import load_yaml
from tests.integration.commandline import Ended, Project
from tests.labs import lab_for

pytestmark = pytest.mark.integration

OnHost = Callable[[str], str]
Play = Callable[..., Ended]

OLD, NEW = "580.95.05", "580.105.08"
NAMES = ("libcuda1", "nvidia-driver-cuda", "nvidia-kernel-open-dkms", "nvidia-persistenced")
KERNEL = "6.12.94+deb13-amd64"
# The kernel of the next boot, and its headers: nothing else of it is looked at.
NEXT_KERNEL = (
    f"mkdir -p /lib/modules/{KERNEL}/build; touch /lib/modules/{KERNEL}/build/Makefile"
    f" /boot/vmlinuz-{KERNEL}"
)


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    with lab_for("driver", tmp_path_factory) as made:
        made.up(1, with_images=False, simulated_gpus=1)
        yield made


@pytest.fixture(scope="module")
def on_host(lab: Lab) -> OnHost:
    def run(script: str) -> str:
        done = lab.exec("h1", ["/bin/sh", "-ec", script], timeout=120)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout.strip()

    return run


@pytest.fixture(scope="module")
def play(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Play:
    """Run one task on the host, the driver's with the lab's repository and its key."""
    project = Project(tmp_path_factory.mktemp("project"), lab.inventory_file)
    inventory: Any = load_yaml(lab.inventory_file)["all"]
    fingerprint = str(inventory["vars"]["nvidia_container_toolkit_key_fingerprint"])
    driver = {"repository": "http://packages.lab.test/cuda", "key_fingerprint": fingerprint}

    def run(name: str = "nvidia_driver", *arguments: str, **parameters: object) -> Ended:
        given = driver if name == "nvidia_driver" else {}
        entry = {"name": "it", name: {**given, **parameters}}
        return project.play(
            yaml.safe_dump([{"hosts": "all", "become": True, "tasks": [entry]}]), *arguments
        )

    return run


def changes(ended: Ended) -> int:
    assert ended.code == 0, ended.shown
    return ended.recap()["h1"]["changed"]


def versions(on_host: OnHost) -> set[str]:
    return set(on_host(f"dpkg-query -W -f '${{Version}}\\n' {' '.join(NAMES)}").split())


def test_a_driver_that_came_with_the_image_is_left_alone(play: Play, on_host: OnHost) -> None:
    assert changes(play()) == 0
    refused = play(version=OLD)
    assert refused.code == 3, refused.shown
    assert f"driver {DRIVER}, which came with the machine's image" in refused.out
    assert f" {DRIVER} " in on_host("cat /proc/driver/nvidia/version")


def test_another_key_than_the_declared_one_is_refused(play: Play, on_host: OnHost) -> None:
    on_host(f"simulated-gpu uninstall; {NEXT_KERNEL}")
    assert play("reboot").code == 0
    refused = play(version=OLD, key_fingerprint="0" * 40)
    assert refused.code == 3, refused.shown
    assert "8793F200.pub is not the declared one" in refused.out
    assert on_host("ls /etc/apt/sources.list.d | grep -c nvidia || true") == "0"


def test_all_of_it_comes_at_one_version_and_is_held(play: Play, on_host: OnHost) -> None:
    assert changes(play(version=OLD)) > 0
    assert versions(on_host) == {f"{OLD}-1"}
    assert set(NAMES) <= set(on_host("apt-mark showhold").split())
    assert changes(play(version=OLD)) == 0


def test_an_upgrade_of_everything_leaves_it_alone(on_host: OnHost) -> None:
    on_host("apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get dist-upgrade -y -qq")
    assert f"{NEW}-1" in on_host("apt-cache madison nvidia-driver-cuda")
    assert versions(on_host) == {f"{OLD}-1"}


@pytest.mark.parametrize("version", [NEW, OLD, NEW])
def test_another_version_comes_with_its_dependencies(
    play: Play, on_host: OnHost, version: str
) -> None:
    assert changes(play(version=version)) > 0
    assert versions(on_host) == {f"{version}-1"}
    assert set(NAMES) <= set(on_host("apt-mark showhold").split())


def test_the_reboot_loads_it_and_nothing_is_left_to_do(play: Play, on_host: OnHost) -> None:
    assert f"{KERNEL} gets it" in on_host("cat /run/provision/reboot-required")
    assert play("pending_reboot", timeout=120).code == 0
    assert f" {NEW} " in on_host("cat /proc/driver/nvidia/version")
    assert on_host("systemctl is-active nvidia-persistenced") == "active"
    assert changes(play(branch=580)) == 0
    assert changes(play("pending_reboot")) == 0
