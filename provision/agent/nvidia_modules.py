"""The kernel modules of the NVIDIA driver that a host has, loaded or not."""

from __future__ import annotations

import re
from typing import Dict, Iterator, Tuple

from provision.agent.system import System

# Where packages, DKMS, NVIDIA's installer and Ubuntu's prebuilt modules put them, below
# /lib/modules/<kernel>.
_PLACES = (
    "updates/dkms",
    "updates",
    "extra",
    "extra/*nvidia*",
    "weak-updates/*nvidia*",
    "kernel/drivers/video",
    "kernel/nvidia-*",
)
# Debian names them nvidia-current.ko; nvidia-drm.ko and nvidia-uvm.ko are other modules.
_MODULE = re.compile(r"nvidia(-current(-open)?|-tesla-\d+|-open)?\.ko(\.\w+)?")
_DKMS = "/var/lib/dkms"
_DKMS_NAME = re.compile(r"nvidia(-current(-open)?|-tesla-\d+|-open|-srv)?")
_VERSION = re.compile(r"\d{3}\.\d+(\.\d+)?")


def modules(system: System) -> Dict[str, str]:
    """Return the kernels that have the driver's module, each with its version, "" if unknown."""
    built = dict(_built(system))
    found = {}
    for place in _PLACES:
        for path in system.glob("/lib/modules/*/{}/nvidia*.ko*".format(place)):
            if _MODULE.fullmatch(path.rpartition("/")[2]):
                kernel = path.split("/")[3]
                found[kernel] = built.get(kernel, "")
    return found


def dkms_sources(system: System) -> Dict[str, str]:
    """Return the versions of the driver that DKMS can build, by its name for them."""
    return {
        name: version
        for name in system.listdir(_DKMS)
        if _DKMS_NAME.fullmatch(name)
        for version in system.listdir("{}/{}".format(_DKMS, name))
        if _VERSION.fullmatch(version)
    }


def _built(system: System) -> Iterator[Tuple[str, str]]:
    """Yield kernels and the versions that DKMS has built for them."""
    for name, version in dkms_sources(system).items():
        for kernel in system.listdir("{}/{}/{}".format(_DKMS, name, version)):
            if kernel not in ("build", "source"):
                yield kernel, version
