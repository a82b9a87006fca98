"""The decision, step by step: which driver a machine gets, and what that takes.

Pure: a description goes in, a decision comes out, no host is touched.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace

from provision.tasks.nvidia.choice import Choice, check_generations, choose
from provision.tasks.nvidia.decision import Decision, Found, Pin
from provision.tasks.nvidia.distribution import Distribution, Origin, Packaging, distribution
from provision.tasks.nvidia.fabric import Fabric, fabric
from provision.tasks.nvidia.gpu import Gpu
from provision.tasks.nvidia.kernels import covered, missing_headers, obstacles
from provision.tasks.nvidia.machine import Machine
from provision.tasks.nvidia.present import HOW, keeps, unfit
from provision.tasks.nvidia.reboot import reasons
from provision.tasks.nvidia.refusal import Refusal

PERSISTENCED = "nvidia-persistenced"
NOUVEAU = ("nouveau",)


def resolve(machine: Machine) -> Decision:
    """Decide which driver a machine gets.

    A driver that is there and fits is kept, whoever installed it. Otherwise one is installed, for
    the kernel of the next boot, or it is said why there is none.
    """
    if not machine.gpus:
        return _without_gpus(machine)
    try:
        check_generations(machine.gpus)
        decision = _kept(machine) if keeps(machine) else _installed(machine)
    except Refusal as refusal:
        decision = Decision(verdict="refuse", refusals=(refusal,))
    return replace(decision, gpus=_found(machine.gpus), nvswitches=machine.switches)


def _without_gpus(machine: Machine) -> Decision:
    if not machine.instance:
        return Decision(verdict="nothing", because=("there is no NVIDIA GPU on the PCI bus",))
    lost = Refusal(
        "the GPU of this instance is not there",
        expected=f"{machine.instance['gpu']}, which {machine.instance_type} has",
        found="no NVIDIA GPU on the PCI bus",
        next="stop and start the instance: it moves to other hardware",
    )
    return Decision(verdict="refuse", refusals=(lost,))


def _found(gpus: Sequence[Gpu]) -> tuple[Found, ...]:
    return tuple(
        Found(name=gpu.name, architecture=gpu.architecture, count=count)
        for gpu, count in Counter(gpus).items()
    )


# -- a driver that is there -------------------------------------------------------------------


def _kept(machine: Machine) -> Decision:
    """Keep the driver, and add what it lacks: a module for the next boot, a fabric manager."""
    driver, system = machine.driver, distribution(machine.os) if _adds(machine) else None
    version, branch = driver.version, int(driver.version.split(".")[0])
    lacking = _lacking(machine)
    built = tuple(name for kernel in lacking for name in driver.prebuilt(kernel))
    refusals = tuple(_cannot_build(machine, lacking, system)) if not built else ()
    if refusals:
        return Decision(verdict="refuse", refusals=refusals)
    decision = Decision(
        verdict="keep",
        because=(f"driver {version} {HOW[driver.origin]}, and fits",),
        flavour=driver.flavour,
        branch=branch,
        version=version,
        headers=() if built else _headers(machine, lacking, system),
        packages=built,
        holds=(*driver.packages, *built),
        build=() if built else lacking,
        blacklist=() if driver.loaded and not machine.nouveau else NOUVEAU,
        services=(PERSISTENCED,),
        reboot=tuple(reasons(machine, version, None, (*driver.modules, *lacking))),
    )
    return _with_fabric(decision, machine, system)


def _lacking(machine: Machine) -> tuple[str, ...]:
    """Return the kernels that a driver which is there still needs a module for."""
    driver = machine.driver
    there = {*driver.modules, machine.kernels.running if driver.loaded else ""}
    wanted = covered(machine.kernels, prebuilt=driver.is_prebuilt)
    return tuple(kernel for kernel in wanted if kernel not in there)


def _adds(machine: Machine) -> bool:
    """Tell whether keeping a driver needs any package of the distribution."""
    return bool(_lacking(machine)) or fabric(machine).needs_manager


def _cannot_build(
    machine: Machine, lacking: tuple[str, ...], system: Distribution | None
) -> Iterator[Refusal]:
    if not lacking or system is None:
        return
    if not machine.driver.dkms:
        yield Refusal(
            f"the driver has no module for kernel {lacking[0]}, which the next boot takes",
            expected=f"module {machine.driver.version} for kernel {lacking[0]}",
            found="a driver that was installed without DKMS, with modules for "
            + (", ".join(machine.driver.modules) or machine.kernels.running),
            next="boot the kernel that has it, or install the driver with --dkms",
        )
    else:
        yield from obstacles(machine, lacking, system, None)


def _headers(
    machine: Machine, kernels: tuple[str, ...], system: Distribution | None
) -> tuple[str, ...]:
    if system is None:
        return ()
    return tuple(
        name for kernel in missing_headers(machine, kernels) for name in system.headers(kernel)
    )


# -- a driver to be installed -----------------------------------------------------------------


def _installed(machine: Machine) -> Decision:
    """Install a driver, in the place of one that does not fit."""
    replaced = unfit(machine)
    if machine.instance.get("licensed"):
        raise _unlicensed(machine)
    system = distribution(machine.os)
    choice = choose(machine, system)
    packaging = choice.packaging
    kernels = covered(machine.kernels, prebuilt=packaging.prebuilt)
    refusals = tuple(obstacles(machine, kernels, system, choice))
    if refusals:
        return Decision(verdict="refuse", refusals=refusals)
    decision = _packages(machine, choice, kernels)
    decision = replace(
        decision,
        because=(*replaced, *choice.because),
        epel=None if packaging.prebuilt else system.epel(machine.architecture),
        headers=() if packaging.prebuilt else _headers(machine, kernels, system),
        build=() if packaging.prebuilt else kernels,
        reboot=tuple(reasons(machine, decision.version, choice.flavour, kernels)),
    )
    return _with_fabric(decision, machine, system, choice)


def _unlicensed(machine: Machine) -> Refusal:
    return Refusal(
        f"{machine.instance_type} has {machine.instance['gpu']}, which no packaged driver drives",
        expected="NVIDIA's GRID driver, which Amazon licenses for these instances",
        found="no driver",
        next="use an image with the GRID driver, or install it from Amazon's bucket"
        " ec2-linux-nvidia-drivers; it is then left as it is",
    )


def _packages(machine: Machine, choice: Choice, kernels: tuple[str, ...]) -> Decision:
    """Return the decision as far as packages go."""
    packaging, flavour = choice.packaging, choice.flavour
    version = packaging.pattern(choice.version)
    named = packaging.of_driver(flavour)
    own = [
        *packaging.tools(),
        *(name for kernel in kernels for name in packaging.modules(flavour, kernel)),
    ]
    return Decision(
        verdict="install",
        flavour=flavour,
        branch=choice.branch,
        version=choice.version or version,
        source=choice.origin.name,
        repository=choice.origin.repository(machine.architecture),
        components=choice.origin.components,
        stream=packaging.stream(flavour),
        packages=(*(f"{name}={version}" for name in named), *own),
        holds=(*named, *own),
        pin=_pin(packaging, version),
        blacklist=NOUVEAU,
        services=(PERSISTENCED,),
    )


def _pin(packaging: Packaging, version: str) -> Pin | None:
    return Pin(packages=packaging.pin, version=version) if packaging.pin else None


# -- NVSwitch ---------------------------------------------------------------------------------


def _with_fabric(
    decision: Decision, machine: Machine, system: Distribution | None, choice: Choice | None = None
) -> Decision:
    """Add the fabric manager where there are NVSwitches, at exactly the driver's version."""
    found: Fabric = fabric(machine)
    if not found.needs_manager:
        return decision
    services = (*decision.services, "nvidia-fabricmanager")
    because = (*decision.because, found.why)
    decision = replace(decision, services=services, because=because, load=found.modules)
    if system is None or (choice is None and machine.driver.fabricmanager == decision.version):
        return decision
    origin = choice.origin if choice else _origin_of(machine, system)
    packaging = origin.packaging(decision.branch or 0)
    name = packaging.fabricmanager()
    if name is None:
        raise found.unmanageable(origin.name)
    version = packaging.pattern(choice.version if choice else decision.version)
    own = packaging.nvlink5() if found.is_nvlink5 else []
    return replace(
        decision,
        source=origin.name,
        repository=origin.repository(machine.architecture),
        components=origin.components,
        stream=packaging.stream(decision.flavour or "open"),
        packages=(*decision.packages, f"{name}={version}", *own),
        holds=(*decision.holds, name, *own),
    )


def _origin_of(machine: Machine, system: Distribution) -> Origin:
    """Return where a driver that is there came from: Ubuntu's fabric manager wants Ubuntu's."""
    is_own = any("-server" in name for name in machine.driver.packages)
    return system.origins["distro" if is_own and "distro" in system.origins else "nvidia"]
