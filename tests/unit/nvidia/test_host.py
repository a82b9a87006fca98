"""A host's facts as the resolver's machine, and what its repositories answer."""

from __future__ import annotations

from typing import Any

import pytest

from provision.tasks.nvidia.host_machine import machine_of, with_available, with_version
from provision.tasks.nvidia.machine import Device, Machine, Wanted
from provision.tasks.nvidia.repositories import found, has_packages, newest, versions_of
from provision.tasks.nvidia.resolver import resolve

STATUS: dict[str, Any] = {
    "kernels": {"running": "6.8.0-1029-aws", "next": "6.8.0-1031-aws", "headers": []},
    "driver": {
        "loaded": "",
        "installed": "",
        "flavour": None,
        "origin": "image",
        "packages": [],
        "modules": {},
        "dkms": False,
        "fabricmanager": "",
    },
    "persistenced": "",
    "nouveau": True,
    "secure_boot": False,
    "key_enrolled": False,
}


def facts(**other: Any) -> dict[str, Any]:
    gpu = {"address": "0000:00:1e.0", "device": "0x2237", "class": "0x030200"}
    return {
        "ansible_distribution": "Ubuntu",
        "ansible_distribution_version": "24.04",
        "ansible_distribution_major_version": "24",
        "ansible_architecture": "x86_64",
        "ansible_system_vendor": "Amazon EC2",
        "ansible_product_name": "g5.xlarge",
        "provision_nvidia": {"devices": [gpu], "driver": None},
        **other,
    }


def machine(**other: Any) -> Machine:
    return machine_of(facts(**other), STATUS, Wanted())


def test_a_host_is_described_by_its_facts() -> None:
    described = machine()
    assert described.devices == (Device("2237", "0302"),)
    assert (described.os, described.instance_type) == ("ubuntu-24.04", "g5.xlarge")
    assert described.kernels.next == "6.8.0-1031-aws"
    assert described.kernels.available is None
    assert not described.driver.is_there
    assert resolve(described).reboot[0].startswith("nouveau is loaded")


@pytest.mark.parametrize(
    ("name", "version", "major", "os"),
    [
        ("Debian", "13.1", "13", "debian-13"),
        ("Ubuntu", "22.04", "22", "ubuntu-22.04"),
        ("Amazon", "2023", "2023", "amazon-2023"),
        ("RedHat", "9.6", "9", "rhel-9"),
        ("Rocky", "9.4", "9", "rocky-9"),
        ("Fedora", "42", "42", "fedora-42"),
    ],
)
def test_systems_by_their_facts(name: str, version: str, major: str, os: str) -> None:
    described = machine(
        ansible_distribution=name,
        ansible_distribution_version=version,
        ansible_distribution_major_version=major,
    )
    assert described.os == os


def test_a_machine_elsewhere_is_no_instance() -> None:
    assert machine(ansible_system_vendor="Supermicro").instance_type == ""


def test_what_was_asked_afterwards_decides() -> None:
    assert resolve(with_available(machine(), [])).verdict == "refuse"
    exact = resolve(with_version(machine(), "580.95.05"))
    assert {name.partition("=")[2] for name in exact.packages} == {"580.95.05-*"}


def answer(*outputs: str, rc: int = 0) -> dict[str, Any]:
    done = {f"command {n}": {"rc": rc, "stdout": out} for n, out in enumerate(outputs)}
    return {"commands": done}


def test_the_newest_version_of_a_branch_is_taken() -> None:
    listed = " 590.48.01-1 \n 580.105.08-1 \n 580.95.05-1 \n 580.95.05-1 \n"
    assert newest(answer(listed), "580.*") == "580.105.08"
    assert newest(answer("3:580.95.05-0ubuntu0.24.04.2\n"), "580.*") == "580.95.05"
    assert newest(answer(listed), "570.*") == ""


def test_repositories_that_were_never_read_know_nothing() -> None:
    assert found(answer("", rc=9)) is None
    assert found(answer("", "", rc=0)) == [True, True]
    assert found(answer("", rc=1)) == [False]


def test_questions_are_in_the_words_of_the_package_manager() -> None:
    assert "apt-cache show" in has_packages("debian", ["linux-headers-6.12"]).commands[0]
    assert has_packages("redhat", ["kernel-devel-5.14"]).commands[0].startswith("dnf -qy list")
    assert "'%{version}\\n'" in versions_of("redhat", "kmod-nvidia-open-dkms").commands[0]
