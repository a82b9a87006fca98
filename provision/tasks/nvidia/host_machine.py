"""A host, as the resolver sees machines."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from provision.tasks.nvidia.machine import Device, Driver, Kernels, Machine, Wanted

_SYSTEMS = {
    "AlmaLinux": "almalinux",
    "Amazon": "amazon",
    "Debian": "debian",
    "RedHat": "rhel",
    "Rocky": "rocky",
    "Ubuntu": "ubuntu",
}
_EC2 = "Amazon EC2"


def machine_of(facts: Mapping[str, Any], status: Mapping[str, Any], wanted: Wanted) -> Machine:
    """Return the machine.

    Args:
        facts: of the host.
        status: the answer to ``DriverStatus``.
        wanted: what is asked for.

    """
    kernels, driver = status["kernels"], status["driver"]
    is_instance = facts["ansible_system_vendor"] == _EC2  # its product is the instance's type
    return Machine(
        devices=tuple(map(_device, facts["provision_nvidia"]["devices"])),
        os=_system(facts),
        architecture=facts["ansible_architecture"],
        kernels=Kernels(**{**kernels, "headers": tuple(kernels["headers"])}),
        secure_boot=status["secure_boot"],
        key_enrolled=status["key_enrolled"],
        instance_type=facts["ansible_product_name"] if is_instance else "",
        nouveau=status["nouveau"],
        driver=Driver(**{**driver, "packages": tuple(driver["packages"])}),
        wanted=wanted,
    )


def with_available(machine: Machine, kernels: Sequence[str]) -> Machine:
    """Return the machine once it is known whose headers the repositories have."""
    return replace(machine, kernels=replace(machine.kernels, available=tuple(kernels)))


def with_version(machine: Machine, version: str) -> Machine:
    """Return the machine once it is known which version is the newest of the branch."""
    return replace(machine, wanted=replace(machine.wanted, version=version))


def _device(device: Mapping[str, str]) -> Device:
    """Read what the kernel says: 0x2237, and a class of 0x030200 with the programming interface."""
    return Device(device["device"].removeprefix("0x"), device["class"].removeprefix("0x")[:4])


def _system(facts: Mapping[str, Any]) -> str:
    name = _SYSTEMS.get(facts["ansible_distribution"], facts["ansible_distribution"].lower())
    is_ubuntu = name == "ubuntu"  # whose releases of one year differ
    version = facts["ansible_distribution_" + ("version" if is_ubuntu else "major_version")]
    return f"{name}-{version}"
