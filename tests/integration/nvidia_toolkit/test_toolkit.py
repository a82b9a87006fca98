"""Repository, key, pin, hold and upgrade paths of the toolkit; the tests build on each other."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from provision.lab.lab import Lab
from tests.integration.commandline import Ended

from .conftest import OnHost

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("prepared")]

OLD, NEW = "1.17.8-1", "1.19.1-1"
PACKAGES = (
    "libnvidia-container-tools libnvidia-container1 nvidia-container-toolkit"
    " nvidia-container-toolkit-base"
)
EVERYTHING = """\
#clear Unattended-Upgrade::Package-Blacklist;
Unattended-Upgrade::Origins-Pattern { "origin=provision-lab"; };
"""
Prepare = Callable[..., Ended]


def versions(on_host: OnHost) -> set[str]:
    return set(on_host(f"dpkg-query -W -f '${{Version}}\\n' {PACKAGES}").split())


def changes(ended: Ended) -> int:
    assert ended.code == 0, ended.shown
    return ended.recap()["h1"]["changed"]


def test_all_packages_are_of_one_version_and_held(on_host: OnHost) -> None:
    assert versions(on_host) == {OLD}
    held = on_host("apt-mark showhold").split()
    assert set(PACKAGES.split()) <= set(held)
    source = on_host("cat /etc/apt/sources.list.d/nvidia-container-toolkit.sources")
    assert "URIs: http://packages.lab.test/stable/deb/amd64\nSuites: /\n" in source
    assert "Signed-By: /etc/apt/keyrings/nvidia-container-toolkit.gpg" in source


def test_again_nothing_changes(prepare: Prepare) -> None:
    assert changes(prepare(nvidia_container_toolkit_version=OLD)) == 0


def test_an_upgrade_of_everything_leaves_it_alone(on_host: OnHost) -> None:
    on_host("apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get upgrade -y -qq")
    assert f"Candidate: {NEW}" in on_host("apt-cache policy nvidia-container-toolkit")
    assert versions(on_host) == {OLD}


def test_an_unattended_upgrade_leaves_it_alone(on_host: OnHost) -> None:
    """Without our list of what is never upgraded: the hold is enough."""
    on_host("DEBIAN_FRONTEND=noninteractive apt-get install -y -qq unattended-upgrades")
    on_host(f"cat >/etc/apt/apt.conf.d/99all <<'END'\n{EVERYTHING}END")
    on_host("unattended-upgrade -v")
    assert versions(on_host) == {OLD}
    on_host("apt-mark unhold libnvidia-container1")
    would = on_host("unattended-upgrade -v --dry-run 2>&1")
    on_host("apt-mark hold libnvidia-container1; rm /etc/apt/apt.conf.d/99all")
    assert "libnvidia-container1" in would


def test_without_units_of_the_packages_ours_are_there(on_host: OnHost) -> None:
    shown = on_host("systemctl show -P FragmentPath nvidia-cdi-refresh.service")
    assert shown == "/etc/systemd/system/nvidia-cdi-refresh.service"
    assert on_host("systemctl is-active nvidia-cdi-refresh.path") == "active"
    on_host("rm /etc/cdi/nvidia.yaml; depmod")  # as the installation of a driver does
    on_host("for i in $(seq 50); do [ -e /etc/cdi/nvidia.yaml ] && exit; sleep 0.1; done; exit 1")


@pytest.mark.parametrize("version", [NEW, OLD, NEW])
def test_other_versions_come_when_they_are_declared(
    prepare: Prepare, on_host: OnHost, version: str
) -> None:
    assert changes(prepare(nvidia_container_toolkit_version=version)) > 0
    assert versions(on_host) == {version}
    assert set(PACKAGES.split()) <= set(on_host("apt-mark showhold").split())
    units = "nvidia-cdi-refresh.path nvidia-cdi-refresh.service"
    places = on_host(f"systemctl show -P FragmentPath {units}").split()
    place = "/usr/lib/systemd/system/" if version == NEW else "/etc/systemd/system/"
    assert places == [place + unit for unit in units.split()]
    assert on_host(f"systemctl is-enabled {units}").split() == ["enabled", "enabled"]
    assert on_host("ls /etc/cdi /run/cdi 2>/dev/null | grep yaml") == "nvidia.yaml"
    assert changes(prepare(nvidia_container_toolkit_version=version)) == 0


def test_a_version_that_there_is_not(prepare: Prepare, on_host: OnHost) -> None:
    ended = prepare(nvidia_container_toolkit_version="9.9.9-1")
    assert ended.code == 3, ended.shown
    assert "9.9.9-1" in ended.out
    assert versions(on_host) == {NEW}


def test_another_key_than_the_declared_one_is_refused(prepare: Prepare, on_host: OnHost) -> None:
    before = on_host("sha256sum /etc/apt/keyrings/nvidia-container-toolkit.gpg")
    ended = prepare(nvidia_container_toolkit_key_fingerprint="0" * 40)
    assert ended.code == 3, ended.shown
    assert "the key at http://packages.lab.test/gpgkey is not the declared one" in ended.out
    assert "nothing was changed" in ended.out
    assert on_host("sha256sum /etc/apt/keyrings/nvidia-container-toolkit.gpg") == before


def test_packages_signed_by_somebody_else_are_refused(
    prepare: Prepare, on_host: OnHost, lab: Lab
) -> None:
    server = lab._client.containers.get(f"{lab.name}-packages")
    assert server.exec_run(["serve", "sign", "somebody else"]).exit_code == 0
    on_host("rm -f /var/lib/apt/lists/packages.lab.test*; touch -d yesterday /var/lib/apt/lists")
    ended = prepare(nvidia_container_toolkit_version=OLD)
    assert server.exec_run(["serve", "sign"]).exit_code == 0
    assert ended.code == 3, ended.shown
    assert "a package source is not signed by a key that the host trusts" in ended.out
    assert versions(on_host) == {NEW}
    assert changes(prepare(nvidia_container_toolkit_version=OLD)) > 0
    assert changes(prepare()) > 0
