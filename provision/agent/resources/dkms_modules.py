"""The NVIDIA driver's module, built for kernels."""

from __future__ import annotations

from typing import List, Sequence

from provision.agent.failure import Failure, NotThereYet
from provision.agent.nvidia_modules import dkms_sources, modules
from provision.agent.resource import Difference, Resource, State
from provision.agent.system import System, tail

_LOGS = "/var/lib/dkms/{}/{}/build/make.log"


class DkmsModules(Resource):
    """That kernels which are installed have the module of the driver that is installed.

    Args:
        kernels: as ``uname -r`` names them; their headers are installed.

    """

    kernels: Sequence[str]

    def expected(self, system: System) -> State:
        """Return that each kernel has it."""
        return {"module for " + kernel: "built" for kernel in self.kernels}

    def actual(self, system: System) -> State:
        """Return which kernels have it."""
        found = modules(system)
        missing = [kernel for kernel in self.kernels if kernel not in found]
        if missing and not dkms_sources(system):
            raise NotThereYet(
                "DKMS knows no NVIDIA driver", hint="the package with its source is not installed"
            )
        return {
            "module for " + kernel: "missing" if kernel in missing else "built"
            for kernel in self.kernels
        }

    def fix(self, system: System, difference: Difference) -> None:
        """Have DKMS build it, minutes for each kernel."""
        for kernel in self.kernels:
            if "module for " + kernel not in difference:
                continue
            done = system.run(["dkms", "autoinstall", "-k", kernel], live=True)
            if done.returncode != 0 or kernel not in modules(system):
                raise Failure(
                    "the NVIDIA module could not be built for kernel {}".format(kernel),
                    log=_why(system) or tail(done.stdout + done.stderr),
                    hint="a newer driver may know this kernel; or boot an older one: "
                    "dkms status; ls /boot/vmlinuz-*",
                )


def _why(system: System) -> List[str]:
    """Return the compiler's own errors out of the logs that DKMS keeps."""
    lines: List[str] = []
    for name, version in dkms_sources(system).items():
        text = system.read_text(_LOGS.format(name, version)) or ""
        lines += [line for line in text.splitlines() if "error:" in line or "*** " in line]
    return lines[:8]
