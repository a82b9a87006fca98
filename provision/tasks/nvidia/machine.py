"""What is known of a machine, as far as its driver depends on it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from provision.tasks.nvidia.gpu import Flavour, Gpu, gpu
from provision.tasks.nvidia.tables import table

SWITCH_CLASS = "0680"  # PCI class of a bridge that is none of the usual ones: NVSwitch
_PREBUILT = "linux-modules-nvidia-"
DISPLAY_CLASSES = ("0300", "0302", "0380")  # VGA, 3D, other display controllers

Origin = Literal["packages", "runfile", "image"]
Source = Literal["auto", "nvidia", "distro"]


@dataclass(frozen=True)
class Device:
    """An NVIDIA device on the PCI bus: its id, and its class as ``lspci -n`` prints it, or ""."""

    id: str
    pci_class: str = ""

    @property
    def is_switch(self) -> bool:
        """Whether it is an NVSwitch."""
        return self.id in table("fabrics")["switches"] or self.pci_class == SWITCH_CLASS

    @property
    def is_gpu(self) -> bool:
        """Whether it is a GPU, rather than an NVSwitch, or a GPU's audio or USB function."""
        return not self.is_switch and (not self.pci_class or self.pci_class in DISPLAY_CLASSES)


@dataclass(frozen=True, kw_only=True)
class Kernels:
    """The kernels of a machine, as ``uname -r`` names them.

    Args:
        running: the one that runs.
        next: the one of the next boot.
        headers: those whose headers are installed.
        available: those whose headers the package repositories have; None where nobody has looked.

    """

    running: str
    next: str
    headers: tuple[str, ...] = ()
    available: tuple[str, ...] | None = None


@dataclass(frozen=True, kw_only=True)
class Driver:
    """The driver that is there already.

    Args:
        loaded: version of the kernel module that is loaded, or "".
        installed: version of its libraries, or "".
        flavour: of the loaded module, or None where that is not known.
        origin: how it came there: by packages, NVIDIA's installer, or with the machine's image.
        packages: those that it consists of.
        modules: the kernels that have its module, and the module's version or "".
        dkms: whether DKMS can build its module for other kernels.
        fabricmanager: version of the fabric manager, or "".

    """

    loaded: str = ""
    installed: str = ""
    flavour: Flavour | None = None
    origin: Origin = "packages"
    packages: tuple[str, ...] = ()
    modules: Mapping[str, str] = field(default_factory=dict)
    dkms: bool = False
    fabricmanager: str = ""

    @property
    def version(self) -> str:
        """Return what is installed; what is loaded may be older."""
        return self.installed or self.loaded

    @property
    def is_prebuilt(self) -> bool:
        """Whether the distribution built its modules (Ubuntu's linux-modules-nvidia-*)."""
        return any(name.startswith(_PREBUILT) for name in self.packages)

    def prebuilt(self, kernel: str) -> tuple[str, ...]:
        """Return the packages that have for a kernel what is there for another one."""
        return tuple(
            name.removesuffix(other) + kernel
            for name in self.packages
            if name.startswith(_PREBUILT)
            for other in self.modules
            if name.endswith(f"-{other}")
        )

    @property
    def is_there(self) -> bool:
        """Whether there is a driver that works, or that lacks no more than a module to be built."""
        return bool(self.version) and (bool(self.loaded) or bool(self.modules) or self.dkms)


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What the person asks for; by default, what fits.

    Args:
        branch: a driver branch such as 580.
        version: one exact version, such as 580.95.05.
        flavour: of the kernel modules.
        source: NVIDIA's repository, or the distribution's.

    """

    branch: int | None = None
    version: str = ""
    flavour: Flavour | Literal["auto"] = "auto"
    source: Source = "auto"


@dataclass(frozen=True, kw_only=True)
class Machine:
    """A machine.

    Args:
        devices: NVIDIA's on its PCI bus.
        os: name and version, such as ``debian-13``.
        architecture: ``x86_64`` or ``aarch64``.
        kernels: see there.
        secure_boot: whether the firmware lets only signed kernel modules in.
        key_enrolled: whether it trusts the key that DKMS signs with.
        instance_type: Amazon EC2's, or "".
        nouveau: whether the kernel's own driver for NVIDIA's GPUs is loaded.
        driver: what is there.
        wanted: what is asked for.

    """

    devices: tuple[Device, ...]
    os: str
    kernels: Kernels
    architecture: str = "x86_64"
    secure_boot: bool = False
    key_enrolled: bool = False
    instance_type: str = ""
    nouveau: bool = False
    driver: Driver = Driver()
    wanted: Wanted = Wanted()

    @property
    def gpus(self) -> tuple[Gpu, ...]:
        """Its GPUs, one entry each."""
        return tuple(gpu(device.id) for device in self.devices if device.is_gpu)

    @property
    def switches(self) -> int:
        """How many NVSwitches it has on its PCI bus."""
        return sum(device.is_switch for device in self.devices)

    @property
    def instance(self) -> Mapping[str, object]:
        """What is known of its kind of EC2 instance; empty where that has no GPU of NVIDIA's."""
        family: Mapping[str, object] = table("instances").get(self.instance_type.split(".")[0], {})
        return family
