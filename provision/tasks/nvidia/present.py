"""Whether the driver that is there fits."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from provision.tasks.nvidia.choice import wanted_branch
from provision.tasks.nvidia.machine import Machine, Origin
from provision.tasks.nvidia.refusal import Refusal

HOW: Mapping[Origin, str] = {
    "packages": "was installed by packages",
    "runfile": "was installed by NVIDIA's installer",
    "image": "came with the machine's image",
}
"""How a driver came to a machine, in words that follow it."""


def keeps(machine: Machine) -> bool:
    """Tell whether the driver that is there is what the machine should have."""
    return machine.driver.is_there and not list(_mismatches(machine))


def unfit(machine: Machine) -> tuple[str, ...]:
    """Return why the driver that is there is replaced; nothing where there is none.

    Raises:
        Refusal: it does not fit, but only whoever installed it can remove it cleanly.

    """
    if not machine.driver.is_there:
        return ()
    mismatches = tuple(_mismatches(machine))
    if machine.driver.origin != "packages":
        raise Refusal(
            "a driver is there that does not fit, and that packages must not overwrite",
            expected="; ".join(mismatches),
            found=f"driver {machine.driver.version}, which {HOW[machine.driver.origin]}",
            next="ask for what is there, remove it (nvidia-uninstall), or use another image",
        )
    return tuple(f"replaces driver {machine.driver.version}: {it}" for it in mismatches)


def _mismatches(machine: Machine) -> Iterator[str]:
    """Yield what the driver that is there should be and is not."""
    driver, wanted = machine.driver, machine.wanted
    branch = int(driver.version.split(".")[0])
    if wanted.version and driver.version != wanted.version:
        yield f"version {wanted.version} is asked for"
    elif wanted_branch(machine) not in (None, branch):
        yield f"branch {wanted_branch(machine)} is asked for"
    if driver.flavour and wanted.flavour not in ("auto", driver.flavour):
        yield f"{wanted.flavour} kernel modules are asked for"
    for gpu in dict.fromkeys(machine.gpus):
        if driver.flavour and driver.flavour not in gpu.modules:
            yield f"only the {gpu.modules[0]} kernel modules drive {gpu.name}"
        if gpu.first is not None and branch < gpu.first:
            yield f"{gpu.name} needs branch {gpu.first} or newer"
        if gpu.last is not None and branch > gpu.last:
            yield f"{gpu.name} needs branch {gpu.last} or older"
