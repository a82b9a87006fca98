"""A machine with GPUs and nothing else: one deploy brings Docker, driver, toolkit and a reboot.

The toolkit comes while no driver is loaded yet, so what tells Docker of the GPUs can be written
only after the reboot. Stand-ins as in ``test_repository``; dnf's side is in ``nvidia_dnf``.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import yaml

from provision.lab.lab import Lab
from provision.source import load_yaml
from tests.integration.commandline import Ended, Project
from tests.labs import lab_for

from .simulated import GRUBBY
from .test_repository import KERNEL, NEW, NEXT_KERNEL

pytestmark = pytest.mark.integration

OnHost = Callable[[str], str]

IMAGE = """
set -e; apt-get install -qq --no-install-recommends busybox-static >/dev/null 2>&1
mkdir -p /tmp/tiny/bin; cp /usr/bin/busybox /tmp/tiny/bin; ln -s busybox /tmp/tiny/bin/ls
tar -C /tmp/tiny -c . | docker import - tiny:1
"""


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    with lab_for("baregpu", tmp_path_factory) as made:
        made.up(1, with_images=False, simulated_gpus=2)
        yield made


@pytest.fixture(scope="module")
def on_host(lab: Lab) -> OnHost:
    def run(script: str) -> str:
        done = lab.exec("h1", ["/bin/sh", "-ec", script], timeout=120)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout.strip()

    return run


@pytest.fixture(scope="module")
def project(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Project:
    directory = tmp_path_factory.mktemp("project")
    tree: Any = json.loads(json.dumps(load_yaml(lab.inventory_file)))["all"]
    variables = tree["vars"]
    del variables["registry"], tree["children"]
    variables["node_exporter_image"] = "tiny:1"
    variables["nvidia_driver_repository"] = "http://packages.lab.test/cuda"
    variables["nvidia_driver_key_fingerprint"] = variables[
        "nvidia_container_toolkit_key_fingerprint"
    ]
    path = directory / "hosts.yml"
    path.write_text(yaml.safe_dump({"all": tree}))
    return Project(directory, path)


@pytest.fixture(scope="module")
def deployed(project: Project, on_host: OnHost) -> Ended:
    """The one deploy of a machine on which nobody has installed anything."""
    on_host(f"simulated-gpu uninstall; {NEXT_KERNEL}")
    reboot = project.play("- hosts: all\n  become: true\n  tasks: [{reboot: {}}]\n")
    assert reboot.code == 0, reboot.shown
    assert on_host("ls /proc/driver/nvidia /usr/bin/nvidia-smi 2>/dev/null || true") == ""
    done = project.run("deploy", "--tags", "prepare")
    on_host(IMAGE)
    return done


def test_one_deploy_brings_the_driver_and_a_reboot_loads_it(
    deployed: Ended, on_host: OnHost
) -> None:
    assert deployed.code == 0, deployed.shown
    assert f"{KERNEL} gets it" in deployed.out
    assert f" {NEW} " in on_host("cat /proc/driver/nvidia/version")
    assert on_host("systemctl is-active nvidia-persistenced docker").split() == ["active"] * 2


@pytest.mark.parametrize(
    ("device", "seen"),
    [("all", ["nvidia0", "nvidia1"]), ("1", ["nvidia1"])],
)
def test_containers_have_the_gpus_that_they_ask_for(
    deployed: Ended, on_host: OnHost, device: str, seen: list[str]
) -> None:
    listed = on_host(f"docker run --rm --device nvidia.com/gpu={device} tiny:1 ls /dev").split()
    assert [name for name in listed if name.startswith("nvidia") and name[6:].isdigit()] == seen


def test_verification_agrees_and_nothing_is_left_to_do(
    deployed: Ended, project: Project, on_host: OnHost
) -> None:
    unbuilt = project.run("verify", "-t", "gpu")  # the stand-in's module is none
    assert unbuilt.code == 5, unbuilt.shown
    assert f"for kernel {KERNEL}" in unbuilt.out
    on_host(GRUBBY)
    verified = project.run("verify", "-t", "gpu")
    assert verified.code == 0, verified.shown
    again = project.run("deploy", "--tags", "prepare")
    assert again.code == 0, again.shown
    assert again.recap()["h1"]["changed"] == 0, again.shown
