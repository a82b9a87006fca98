"""Debian's driver for a simulated GPU: real packages, a real kernel, its module built by DKMS.

Minutes: one build of the open modules. The kernel that runs is the machine's, so nothing can be
loaded: what a boot would find is what is looked at.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

import pytest
import yaml

from provision.errors import ExitCode
from provision.lab.host import LabHost
from provision.lab.lab import Lab
from tests.integration.commandline import Project
from tests.integration.nvidia.simulated import as_root, simulated_gpu
from tests.labs import lab_for

pytestmark = pytest.mark.integration

VERSION = "550.163.01"
# The oldest kernel whose headers the archive still has: the driver is older than the newest ones.
HEADERS = "apt-cache search --names-only '^linux-headers-6[.]12[.][0-9]+[+]deb13-amd64$'"
SOURCE = f"/usr/src/nvidia-current-open-{VERSION}/nvidia/nv.c"
PLAY = yaml.safe_dump(
    [
        {
            "hosts": "all",
            "become": True,
            "tasks": [{"name": "driver", "nvidia_driver": {"source": "distro", "flavour": "open"}}],
        }
    ]
)


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    with lab_for("dkms", tmp_path_factory) as made:
        made.up(1, with_images=False)
        yield made


@pytest.fixture(scope="module")
def host(lab: Lab) -> Iterator[LabHost]:
    (found,) = lab.hosts
    with simulated_gpu(found):
        yield found


@pytest.fixture(scope="module")
def project(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Project:
    return Project(tmp_path_factory.mktemp("project"), lab.inventory_file)


@pytest.fixture(scope="module")
def kernel(host: LabHost) -> str:
    """Install a kernel for the next boot, and return its release."""
    as_root(host, "apt-get update -qq")
    names = [line.split()[0] for line in as_root(host, HEADERS).splitlines()]
    found = min(names, key=lambda name: [int(part) for part in re.findall(r"\d+", name)])
    release = found.removeprefix("linux-headers-")
    options = "-qq -y --no-install-recommends"
    as_root(host, f"DEBIAN_FRONTEND=noninteractive apt-get install {options} linux-image-{release}")
    return release


@pytest.fixture(scope="module")
def installed(project: Project, kernel: str) -> str:
    """Install the driver once; return what the person saw."""
    done = project.play(PLAY, timeout=1500)
    assert done.code == ExitCode.OK, done.shown
    return done.out


def test_the_module_is_built_for_the_kernel_of_the_next_boot(
    host: LabHost, kernel: str, installed: str
) -> None:
    found = as_root(host, f"modinfo -k {kernel} -F version nvidia-current-open")
    assert found.strip() == VERSION
    assert f"none -> {VERSION}" in installed


def test_every_package_is_at_one_version_and_held(host: LabHost, installed: str) -> None:
    listed = as_root(
        host, "dpkg-query -W -f '${Package} ${source:Upstream-Version} ${db:Status-Want}\\n'"
    )
    rows = [line.split() for line in listed.splitlines() if "nvidia" in line or "libcuda" in line]
    drivers = {name: version for name, version, _ in rows if version.startswith("550.")}
    assert set(drivers.values()) == {VERSION}
    assert {"nvidia-smi", "libcuda1", "nvidia-open-kernel-dkms"} <= set(drivers)
    assert [name for name, _, want in rows if name in drivers and want != "hold"] == []
    kept = as_root(host, "apt-get -s -qq dist-upgrade | grep -ci nvidia || true")
    assert kept.strip() == "0"


def test_nouveau_stays_out_and_a_reboot_is_asked_for(
    host: LabHost, kernel: str, installed: str
) -> None:
    inside = as_root(host, f"lsinitramfs /boot/initrd.img-{kernel}")
    assert "etc/modprobe.d/provision-nvidia.conf" in inside
    marker = json.loads(as_root(host, "cat /run/provision/reboot-required"))
    assert f"and has no module; {kernel} gets it" in marker["reason"]
    assert as_root(host, "systemctl is-enabled nvidia-persistenced").strip() == "enabled"


def test_a_second_run_changes_nothing(project: Project, installed: str) -> None:
    again = project.play(PLAY)
    assert again.code == ExitCode.OK, again.shown
    assert again.recap()["h1"]["changed"] == 0, again.shown
    assert project.play(PLAY, "--check").code == ExitCode.OK


def test_a_module_that_is_missing_for_the_next_boot_comes_back(
    project: Project, host: LabHost, kernel: str, installed: str
) -> None:
    as_root(host, f"dkms uninstall nvidia-current-open/{VERSION} -k {kernel}")
    plan = project.play(PLAY, "--check", "--diff")
    assert plan.code == ExitCode.PENDING, plan.shown
    assert f"module for {kernel}: missing -> built" in plan.out
    done = project.play(PLAY)
    assert done.code == ExitCode.OK, done.shown
    as_root(host, f"modinfo -k {kernel} -F version nvidia-current-open")


def test_a_kernel_that_the_driver_cannot_be_built_for_is_named(
    project: Project, host: LabHost, kernel: str, installed: str
) -> None:
    as_root(host, f"dkms unbuild nvidia-current-open/{VERSION} -k {kernel}")
    as_root(host, f"sed -i '1i #error broken on purpose' {SOURCE}")
    done = project.play(PLAY, timeout=900)
    as_root(host, f"sed -i 1d {SOURCE}")
    assert done.code == ExitCode.FAILED, done.shown
    assert f"the NVIDIA module could not be built for kernel {kernel}" in done.out
    assert "broken on purpose" in done.out
