"""Which kernels need the driver's module, and what building it takes."""

from __future__ import annotations

from collections.abc import Iterator

from provision.tasks.nvidia.choice import Choice, needs_signature
from provision.tasks.nvidia.distribution import Distribution
from provision.tasks.nvidia.machine import Kernels, Machine
from provision.tasks.nvidia.refusal import Refusal


def covered(kernels: Kernels, *, prebuilt: bool) -> tuple[str, ...]:
    """Return the kernels that get a module: the next boot's, and the running one if it can.

    Repositories drop the headers, and the prebuilt modules, of old kernels; where nobody knows of
    any for the running one, only the next boot counts, and a reboot takes the machine there.
    """
    buildable = not prebuilt and kernels.running in (*kernels.headers, *(kernels.available or ()))
    wanted = (kernels.next, kernels.running) if buildable else (kernels.next,)
    return tuple(dict.fromkeys(wanted))


def missing_headers(machine: Machine, kernels: tuple[str, ...]) -> tuple[str, ...]:
    """Return the kernels whose headers have to be installed."""
    return tuple(kernel for kernel in kernels if kernel not in machine.kernels.headers)


def obstacles(
    machine: Machine, kernels: tuple[str, ...], distribution: Distribution, choice: Choice | None
) -> Iterator[Refusal]:
    """Yield what keeps modules from being built for kernels, or from being loaded."""
    if not kernels or (choice is not None and choice.packaging.prebuilt):
        return
    available = machine.kernels.available
    missing = missing_headers(machine, kernels)
    lost = [] if available is None else [it for it in missing if it not in available]
    if lost:
        yield Refusal(
            f"the headers of kernel {lost[0]} cannot be had, so no module can be built for it",
            expected=" ".join(distribution.headers(lost[0])),
            found="headers of " + (", ".join(machine.kernels.headers) or "no kernel"),
            next="upgrade the kernel to one that the repositories have, reboot, and deploy again",
        )
    if needs_signature(machine):
        yield _unsigned(distribution)


def _unsigned(distribution: Distribution) -> Refusal:
    has_signed = any(origin.is_prebuilt for origin in distribution.origins.values())
    enrol = "enrol DKMS's key (mokutil --import /var/lib/dkms/mok.pub, then confirm at the console)"
    return Refusal(
        "Secure Boot would not let the driver's module in",
        expected="a module signed by a key that the firmware trusts",
        found="Secure Boot is on, and the key that DKMS signs with is not enrolled",
        next=("use source: distro, " if has_signed else "")
        + f"{enrol}, or switch Secure Boot off in the firmware",
    )
