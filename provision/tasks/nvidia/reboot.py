"""Whether a machine has to be rebooted before its GPUs can be used."""

from __future__ import annotations

from collections.abc import Iterator
from fnmatch import fnmatchcase

from provision.tasks.nvidia.gpu import Flavour
from provision.tasks.nvidia.machine import Machine


def reasons(
    machine: Machine, version: str, flavour: Flavour | None, kernels: tuple[str, ...]
) -> Iterator[str]:
    """Yield why.

    Args:
        machine: as it is now.
        version: of the driver that it gets, exact or a pattern.
        flavour: of that driver.
        kernels: which will have its module.

    """
    loaded, running = machine.driver.loaded, machine.kernels.running
    if machine.nouveau:
        yield "nouveau is loaded, and holds the GPUs until then"
    if loaded and not fnmatchcase(loaded, version):
        yield f"driver {loaded} is loaded; {version} takes over then"
    elif loaded and flavour and machine.driver.flavour not in (None, flavour):
        yield f"the {machine.driver.flavour} modules are loaded; the {flavour} ones take over then"
    elif not loaded and running not in kernels:
        yield f"kernel {running} runs, and has no module; {machine.kernels.next} gets it"
