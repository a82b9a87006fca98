"""Repository, key, locks and versions of the container toolkit; the tests build on each other.

With those of the driver before them the driver is the one that dnf has installed.
"""

from __future__ import annotations

from typing import Any

import pytest

from tests.integration.commandline import Project
from tests.integration.nvidia.simulated import GRUBBY
from tests.integration.nvidia_dnf.conftest import (
    OnHost,
    Play,
    changes,
    keys,
    locked,
    versions,
)

pytestmark = pytest.mark.integration

TASK = "nvidia_container_toolkit"
OLD, NEW = "1.17.8-1", "1.19.1-1"
NAMES = (
    "libnvidia-container-tools",
    "libnvidia-container1",
    "nvidia-container-toolkit",
    "nvidia-container-toolkit-base",
)
PACKAGES = " ".join(NAMES)
SOURCE = "/etc/yum.repos.d/nvidia-container-toolkit.repo"


def locks_on(version: str) -> set[str]:
    return {f"{name}-0:{version}" for name in NAMES}


def test_all_packages_come_at_one_version_and_are_locked(
    play: Play, on_host: OnHost, fingerprint: str
) -> None:
    assert changes(play(TASK, version=OLD)) > 0
    assert versions(on_host, PACKAGES) == {OLD}
    assert locked(on_host, "nvidia-container") == locks_on(OLD)
    source = on_host(f"cat {SOURCE}").splitlines()
    assert "baseurl=http://packages.lab.test/stable/rpm/$basearch" in source
    assert "repo_gpgcheck=1" in source
    assert "gpgkey=file:///etc/pki/rpm-gpg/RPM-GPG-KEY-nvidia-container-toolkit" in source
    assert keys(on_host, "nvidia-container-toolkit") == [fingerprint]


def test_again_nothing_changes(play: Play) -> None:
    assert changes(play(TASK, version=OLD)) == 0
    assert play(TASK, "--check", version=OLD).code == 0


def test_an_upgrade_of_everything_leaves_it_alone(on_host: OnHost) -> None:
    assert NEW in on_host("dnf -qy list --showduplicates --disableplugin=versionlock " + NAMES[2])
    on_host("dnf -y upgrade")
    assert versions(on_host, PACKAGES) == {OLD}


@pytest.mark.parametrize("version", [NEW, OLD, NEW])
def test_other_versions_come_when_they_are_declared(
    play: Play, on_host: OnHost, version: str
) -> None:
    assert changes(play(TASK, version=version)) > 0
    assert versions(on_host, PACKAGES) == {version}
    assert locked(on_host, "nvidia-container") == locks_on(version)
    assert on_host("ls /etc/cdi /run/cdi 2>/dev/null | grep yaml") == "nvidia.yaml"
    assert changes(play(TASK, version=version)) == 0


def test_a_version_that_there_is_not(play: Play, on_host: OnHost) -> None:
    ended = play(TASK, version="9.9.9-1")
    assert ended.code == 3, ended.shown
    assert "9.9.9-1" in ended.out
    assert versions(on_host, PACKAGES) == {NEW}
    assert locked(on_host, "nvidia-container") == locks_on(NEW)


def test_another_key_than_the_declared_one_is_refused(play: Play, on_host: OnHost) -> None:
    files = f"sha256sum {SOURCE} /etc/pki/rpm-gpg/*"
    before = on_host(files)
    ended = play(TASK, key_fingerprint="0" * 40)
    assert ended.code == 3, ended.shown
    assert "the key at http://packages.lab.test/gpgkey is not the declared one" in ended.out
    assert "nothing was changed" in ended.out
    assert on_host(files) == before


def test_a_key_beside_the_declared_one_is_not_trusted(
    play: Play, on_host: OnHost, server: Any, fingerprint: str
) -> None:
    assert server.exec_run(["cp", "/srv/packages/two-keys", "/srv/packages/gpgkey"]).exit_code == 0
    on_host("rm /etc/pki/rpm-gpg/RPM-GPG-KEY-nvidia-container-toolkit")
    assert changes(play(TASK)) == 1
    assert keys(on_host, "nvidia-container-toolkit") == [fingerprint]


def test_metadata_signed_by_somebody_else_is_refused(
    play: Play, on_host: OnHost, server: Any
) -> None:
    assert server.exec_run(["serve", "sign", "somebody else"]).exit_code == 0
    on_host("dnf clean expire-cache")
    ended = play(TASK, version=OLD)
    assert server.exec_run(["serve", "sign"]).exit_code == 0
    assert ended.code == 3, ended.shown
    assert "metadata is not signed by the key that it should be" in ended.out
    assert versions(on_host, PACKAGES) == {NEW}
    assert locked(on_host, "nvidia-container") == locks_on(NEW)


@pytest.mark.parametrize(
    ("device", "seen"),
    [
        ("nvidia.com/gpu=all", ["nvidia0", "nvidia1"]),
        ("nvidia.com/gpu=1", ["nvidia1"]),
        ("nvidia.com/gpu=GPU-51000000-0000-0000-0000-000000000000", ["nvidia0"]),
        ("", []),
    ],
)
def test_a_container_sees_what_it_asked_for(
    play: Play, on_host: OnHost, device: str, seen: list[str]
) -> None:
    assert play("docker_engine").code == 0  # which switches CDI on
    option = f"--device {device}" if device else ""
    listed = on_host(f"docker run --rm {option} tiny:1 ls /dev").split()
    assert [it for it in listed if it.startswith("nvidia") and it[6:].isdigit()] == seen


def test_verification_agrees_and_finds_what_is_not_locked(
    play: Play, project: Project, on_host: OnHost
) -> None:
    assert play("docker_engine").code == 0
    on_host(GRUBBY)
    well = project.run("verify", "-t", "gpu")
    assert well.code == 0, well.shown
    on_host(f"dnf versionlock delete {NAMES[2]}")
    ill = project.run("verify", "-t", "gpu")
    assert ill.code == 5, ill.shown
    assert f"{NAMES[2]} {NEW} is not" in ill.out
    assert changes(play(TASK, version=NEW)) > 0
    assert project.run("verify", "-t", "gpu").code == 0
