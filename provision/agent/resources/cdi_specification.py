"""The file that tells container engines what a GPU is (Container Device Interface)."""

from __future__ import annotations

import re
from typing import List

from provision.agent.boot import REQUIRED
from provision.agent.failure import Failure, NotThereYet
from provision.agent.resource import Difference, Resource, State
from provision.agent.system import System, tail

PATH = "/etc/cdi/nvidia.yaml"
_DRIVER = "/proc/driver/nvidia/version"
_GENERATE = ["nvidia-ctk", "cdi", "generate"]
_DEVICE = re.compile(r'^ *(?:- )?name: "?([\w:.-]+)"?$', re.MULTILINE)
_NODE = re.compile(r'^ *(?:- )?path: "?(/dev/[\w/.-]+)"?$', re.MULTILINE)
_LIBRARY = re.compile(r"libcuda\.so\.(\d[\d.]*\d)")


class CdiSpecification(Resource):
    """That the specification describes the GPUs and the driver that there are now.

    ``nvidia-ctk`` is asked what it would write; of that the devices (with MIG's), their nodes and
    the driver's version are compared. NVIDIA's own units notice a new driver, but no change of MIG.
    Where no driver is loaded, or another one after a reboot, there is nothing that could be said.

    Args:
        path: of the specification.

    """

    path: str = PATH

    def expected(self, system: System) -> State:
        """Return what it should tell."""
        if not system.exists(_DRIVER) or system.exists(REQUIRED):
            return {}
        if system.which(_GENERATE[0]) is None:
            raise NotThereYet("there is no nvidia-ctk", hint="nvidia_container_toolkit installs it")
        done = system.run(_GENERATE, timeout=120)
        if done.returncode != 0:
            raise Failure(
                "nvidia-ctk cannot describe the GPUs",
                log=tail(done.stdout + done.stderr),
                hint="nvidia-smi; a changed driver needs a reboot",
            )
        return _told(done.stdout)

    def actual(self, system: System) -> State:
        """Return what it tells."""
        return _told(system.read_text(self.path) or "")

    def fix(self, system: System, difference: Difference) -> None:
        """Have it written anew."""
        directory = self.path.rpartition("/")[0]
        if not system.exists(directory):
            system.make_directory(directory)
        system.must_run([*_GENERATE, "--output=" + self.path])


def _told(text: str) -> State:
    return {
        "devices": _sorted(_DEVICE.findall(text)),
        "nodes": _sorted(_NODE.findall(text)),
        "driver": ", ".join(_sorted(_LIBRARY.findall(text))),
    }


def _sorted(found: List[str]) -> List[str]:
    return sorted(set(found))
