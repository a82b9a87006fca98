"""What a host with NVIDIA GPUs has of a driver, and what a new one would depend on."""

from __future__ import annotations

import re
from typing import Any, Dict, List, Optional

from provision.agent.dpkg import read_dpkg
from provision.agent.nvidia_modules import dkms_sources, modules
from provision.agent.resource import Data, Query
from provision.agent.system import System

_VERSION = re.compile(r"\d{3}\.\d+(?:\.\d+)?")
_LIBRARIES = (
    "/usr/lib/*-linux-gnu/libcuda.so.*",
    "/usr/lib/*-linux-gnu/nvidia/current/libcuda.so.*",
    "/usr/lib64/libcuda.so.*",
)
# The driver's packages under all their names, but for those of the container toolkit.
_PACKAGE = re.compile(
    r"(?:lib)?nvidia-(?!container)\S+|libcuda1|libcudadebugger1|libnvcuvid1|libnvoptix1"
    r"|linux-(?:modules|objects|signatures)-nvidia-\S+|cuda-drivers\S*|firmware-nvidia-\S+"
    r"|kmod-nvidia-\S+"
)
_SECURE_BOOT = "/sys/firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c"
_KEYS = ("/var/lib/dkms/mok.pub", "/var/lib/shim-signed/mok/MOK.der")
_PERSISTENCED = "nvidia-persistenced"
_UNITS = ("/etc/systemd/system", "/lib/systemd/system", "/usr/lib/systemd/system")
_DLAMI = "/opt/aws/dlami"  # of Amazon's Deep Learning AMIs


class DriverStatus(Query):
    """Tell what the choice of a driver depends on beside the GPUs themselves."""

    def answer(self, system: System) -> Data:
        """Return ``kernels`` (running, next, headers), ``driver``, ``nouveau`` and ``secure_boot``.

        ``driver`` has ``loaded`` and ``installed`` (versions or ""), ``flavour``, ``origin``,
        ``packages``, ``modules`` by kernel, ``dkms`` and ``fabricmanager``. ``persistenced`` is the
        daemon: "unit" where systemd knows it, "program" where it is there alone, or "".
        """
        secure = _secure_boot(system)
        return {
            "kernels": _kernels(system),
            "driver": _driver(system),
            "persistenced": _persistenced(system),
            "nouveau": system.exists("/sys/module/nouveau"),
            "secure_boot": secure,
            "key_enrolled": secure and _key_enrolled(system),
        }


def _kernels(system: System) -> Dict[str, Any]:
    running = (system.read_text("/proc/sys/kernel/osrelease") or "").strip()
    candidates = {*system.listdir("/lib/modules"), running}
    built = (kernel for kernel in candidates if system.exists(_headers(kernel)))
    return {"running": running, "next": _next(system) or running, "headers": sorted(built)}


def _headers(kernel: str) -> str:
    return "/lib/modules/{}/build/Makefile".format(kernel)


def _next(system: System) -> Optional[str]:
    """Return the kernel of the next boot: grubby knows, or it is the newest one installed."""
    if system.which("grubby") is not None:
        default = system.run(["grubby", "--default-kernel"]).stdout.strip()
        if default:
            return _release(default)
    images = [_release(path) for path in system.glob("/boot/vmlinuz-*") if "rescue" not in path]
    return max(images, key=_order) if images else None


def _release(path: str) -> str:
    return path.rpartition("/vmlinuz-")[2]


def _order(kernel: str) -> List[Any]:
    """Return what sorts kernels as GRUB does: numbers by size, the rest as text."""
    parts = re.split(r"(\d+)", kernel)
    return [int(part) if part.isdigit() else part for part in parts]


def _driver(system: System) -> Dict[str, Any]:
    packages = _packages(system)
    return {
        "loaded": (system.read_text("/sys/module/nvidia/version") or "").strip(),
        "installed": _installed(system),
        "flavour": _flavour(system),
        "origin": _origin(system, packages),
        "packages": packages,
        "modules": modules(system),
        "dkms": bool(dkms_sources(system)),
        "fabricmanager": _fabricmanager(system),
    }


def _installed(system: System) -> str:
    for pattern in _LIBRARIES:
        for path in system.glob(pattern):
            version = path.rpartition(".so.")[2]
            if _VERSION.fullmatch(version):
                return version
    return ""


def _flavour(system: System) -> Optional[str]:
    text = system.read_text("/proc/driver/nvidia/version")
    if text is None:
        return None
    return "open" if "Open Kernel Module" in text else "proprietary"


def _origin(system: System, packages: List[str]) -> str:
    """Tell how the driver came; one that neither left a trace of was there from the beginning."""
    if system.exists(_DLAMI):
        return "image"
    if packages:
        return "packages"
    return "runfile" if system.which("nvidia-installer") is not None else "image"


def _packages(system: System) -> List[str]:
    names = read_dpkg(system).names()
    if not names and system.which("rpm") is not None:
        names = system.run(["rpm", "-qa", "--queryformat", "%{NAME}\\n"]).stdout.split()
    return sorted({name for name in names if _PACKAGE.fullmatch(name)})


def _fabricmanager(system: System) -> str:
    if system.which("nv-fabricmanager") is None:
        return ""
    found = _VERSION.search(system.run(["nv-fabricmanager", "--version"]).stdout)
    return found.group() if found else ""


def _persistenced(system: System) -> str:
    if any(system.exists("{}/{}.service".format(path, _PERSISTENCED)) for path in _UNITS):
        return "unit"
    return "program" if system.which(_PERSISTENCED) is not None else ""


def _secure_boot(system: System) -> bool:
    """Tell what the UEFI variable says: four bytes of attributes, then 1 for "on"."""
    value = system.read(_SECURE_BOOT)
    return value is not None and value[4:5] == b"\x01"


def _key_enrolled(system: System) -> bool:
    if system.which("mokutil") is None:
        return False
    keys = (key for key in _KEYS if system.exists(key))
    tests = (system.run(["mokutil", "--test-key", key]).stdout for key in keys)
    return any("already enrolled" in said for said in tests)
