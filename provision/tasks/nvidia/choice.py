"""Where the driver comes from, its branch, and its kernel modules."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from provision.tasks.nvidia.distribution import Distribution, Origin, Packaging
from provision.tasks.nvidia.gpu import Flavour, Gpu, is_known, names
from provision.tasks.nvidia.machine import Machine
from provision.tasks.nvidia.refusal import Refusal

PREFERRED_BRANCH = 580
"""NVIDIA's long-term support branch from August 2025 on, and the last one for Maxwell to Volta."""

_OPEN_BY_DEFAULT = 560  # branch; NVIDIA's installer preferred the proprietary modules before
_ONLY_OPEN = 615  # branch; NVIDIA's gpu-driver-container: no proprietary modules since


@dataclass(frozen=True)
class Choice:
    """A driver.

    Args:
        origin: where it comes from.
        branch: such as 580.
        version: one exact version, or "" for the newest of the branch.
        flavour: which kernel modules.
        because: why, in a few words each.

    """

    origin: Origin
    branch: int
    version: str
    flavour: Flavour
    because: tuple[str, ...]

    @property
    def packaging(self) -> Packaging:
        """How its packages are named."""
        return self.origin.packaging(self.branch)


def choose(machine: Machine, distribution: Distribution) -> Choice:
    """Choose the driver for a machine with GPUs.

    Raises:
        Refusal: there is none that drives all of them, or not the one that was asked for.

    """
    origin, why_origin = _origin(machine, distribution)
    branch, why_branch = _branch(machine, origin)
    flavour, why_flavour = _flavour(machine, branch)
    because = (why_flavour, why_branch, why_origin)
    return Choice(origin, branch, machine.wanted.version, flavour, tuple(filter(None, because)))


def wanted_branch(machine: Machine) -> int | None:
    """Return the branch that is asked for, by itself or by a version."""
    if machine.wanted.version:
        return int(machine.wanted.version.split(".")[0])
    return machine.wanted.branch


def needs_signature(machine: Machine) -> bool:
    """Tell whether a module that was built on the machine would not be let in."""
    return machine.secure_boot and not machine.key_enrolled


def check_generations(gpus: Sequence[Gpu]) -> None:
    """Raise where no one driver can drive all the GPUs of a machine.

    Raises:
        Refusal: some need the open modules and others the proprietary ones.

    """
    only_open = [gpu for gpu in gpus if gpu.modules == ("open",)]
    only_proprietary = [gpu for gpu in gpus if gpu.modules == ("proprietary",)]
    if only_open and only_proprietary:
        raise Refusal(
            "no driver drives all GPUs of this machine",
            expected="GPUs that the same kernel modules drive",
            found=f"{names(only_open)} (open ones only) beside {names(only_proprietary)}"
            " (proprietary ones only)",
            next="take one of the two kinds out of the machine",
        )


def _origin(machine: Machine, distribution: Distribution) -> tuple[Origin, str]:
    origins, wanted = distribution.origins, machine.wanted.source
    if wanted != "auto":
        if wanted not in origins:
            raise Refusal(
                f"{distribution.name} has no NVIDIA driver of its own",
                expected="source: nvidia",
                found=f"source: {wanted}",
                next="leave `source` out",
            )
        return origins[wanted], f"source {wanted} is asked for"
    prebuilt = [origin for origin in origins.values() if origin.is_prebuilt]
    if needs_signature(machine) and prebuilt:
        return prebuilt[0], "Secure Boot is on, and the distribution signs its prebuilt modules"
    return origins["nvidia"], ""


def _branch(machine: Machine, origin: Origin) -> tuple[int, str]:
    """Return the branch that is asked for, else the preferred one, else the oldest that will do."""
    fitting = [branch for branch in origin.branches if _drives(branch, machine.gpus)]
    wanted = wanted_branch(machine)
    if wanted is not None:
        if wanted not in fitting:
            raise _unfit(machine, origin, wanted, fitting)
        return wanted, f"branch {wanted} is asked for"
    if not fitting:
        raise _undriven(machine, origin)
    if not all(is_known(gpu.device) for gpu in machine.gpus):
        return fitting[-1], f"branch {fitting[-1]} is the newest, for a GPU that is newer still"
    if PREFERRED_BRANCH in fitting:
        return PREFERRED_BRANCH, f"branch {PREFERRED_BRANCH} is NVIDIA's long-term support branch"
    if len(origin.branches) == 1:
        return fitting[0], f"branch {fitting[0]} is the one that there is"
    return fitting[0], f"branch {fitting[0]} is the first that drives {names(machine.gpus)}"


def _drives(branch: int, gpus: Sequence[Gpu]) -> bool:
    return all(
        (gpu.first is None or branch >= gpu.first) and (gpu.last is None or branch <= gpu.last)
        for gpu in gpus
    )


def _unfit(machine: Machine, origin: Origin, wanted: int, fitting: Sequence[int]) -> Refusal:
    here = ", ".join(map(str, fitting)) or "none"
    if wanted in origin.branches:
        return Refusal(
            f"branch {wanted} does not drive the GPUs of this machine",
            expected=f"a branch that drives {names(machine.gpus)}: {here}",
            found=f"branch {wanted} is asked for",
            next="leave `branch` out",
        )
    return Refusal(
        f"there are no packages of branch {wanted} for this system",
        expected=f"one of the branches {here}",
        found=f"branch {wanted} is asked for, from source {origin.name}",
        next="ask for one of these, or leave `branch` out",
    )


def _undriven(machine: Machine, origin: Origin) -> Refusal:
    offered = ", ".join(map(str, origin.branches))
    old = [gpu for gpu in machine.gpus if gpu.last is not None and gpu.last < min(origin.branches)]
    if old:
        return Refusal(
            f"{names(old)}: too old for any driver that is still maintained",
            expected=f"a GPU that one of the branches {offered} drives",
            found=f"the {old[0].architecture} architecture, last driven by branch {old[0].last}",
            next="take it out of the machine, or use the machine without its GPU (gpu_count: 0)",
        )
    first = max(gpu.first or 0 for gpu in machine.gpus)
    instead = "source: nvidia" if origin.name == "distro" else "another release of the system"
    return Refusal(
        f"no driver of source {origin.name} drives {names(machine.gpus)}",
        expected=f"branch {first} or newer" if first else "one branch that drives all of them",
        found=f"branch {offered}",
        next=f"use {instead}",
    )


def _flavour(machine: Machine, branch: int) -> tuple[Flavour, str]:
    possible = {flavour for gpu in machine.gpus for flavour in gpu.modules}
    possible.intersection_update(*(gpu.modules for gpu in machine.gpus))
    if branch >= _ONLY_OPEN:
        possible.discard("proprietary")
    wanted = machine.wanted.flavour
    if wanted != "auto":
        if wanted not in possible:
            raise _wrong_flavour(machine, wanted)
        return wanted, f"{wanted} kernel modules are asked for"
    if len(possible) == 1:
        (only,) = possible
        return only, f"only the {only} kernel modules drive {_decisive(machine.gpus)}"
    if branch < _OPEN_BY_DEFAULT:
        return "proprietary", f"before branch {_OPEN_BY_DEFAULT} the open modules were not complete"
    return "open", f"NVIDIA recommends the open kernel modules for {names(machine.gpus)}"


def _decisive(gpus: Sequence[Gpu]) -> str:
    return names([gpu for gpu in gpus if len(gpu.modules) == 1] or gpus)


def _wrong_flavour(machine: Machine, wanted: Flavour) -> Refusal:
    other = "open" if wanted == "proprietary" else "proprietary"
    return Refusal(
        f"the {wanted} kernel modules do not drive {_decisive(machine.gpus)}",
        expected=f"flavour: {other}",
        found=f"flavour: {wanted}",
        next="leave `flavour` out",
    )
