"""How the GPUs of a machine are joined, and what that needs."""

from __future__ import annotations

from dataclasses import dataclass

from provision.tasks.nvidia.machine import Machine
from provision.tasks.nvidia.refusal import Refusal
from provision.tasks.nvidia.tables import table


@dataclass(frozen=True)
class Fabric:
    """What joins the GPUs.

    Args:
        switches: NVSwitches on the PCI bus.
        is_nvlink5: NVSwitches of the fourth generation, which are not on it.

    """

    switches: int
    is_nvlink5: bool

    @property
    def needs_manager(self) -> bool:
        """Whether CUDA works only where the fabric manager runs."""
        return self.switches > 0 or self.is_nvlink5

    @property
    def modules(self) -> tuple[str, ...]:
        """Kernel modules that the fabric manager needs at every boot."""
        return ("ib_umad",) if self.is_nvlink5 else ()

    @property
    def why(self) -> str:
        """Return what the fabric manager is for."""
        if self.is_nvlink5:
            return "the GPUs are joined by NVSwitches of the fourth generation"
        return f"{self.switches} NVSwitches join the GPUs"

    def unmanageable(self, source: str) -> Refusal:
        """Return why there is no driver where there is no fabric manager."""
        return Refusal(
            f"source {source} has no fabric manager, and CUDA fails without it",
            expected="a fabric manager at exactly the driver's version",
            found=self.why,
            next="use source: nvidia",
        )


def fabric(machine: Machine) -> Fabric:
    """Return what joins the GPUs of a machine."""
    boards = table("fabrics")["boards"]
    joined = [device for device in machine.devices if boards.get(device.id) == "nvlink5"]
    return Fabric(machine.switches, len(joined) > 1)
