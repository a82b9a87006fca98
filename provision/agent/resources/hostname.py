"""The host's own name."""

from __future__ import annotations

from provision.agent.resource import Difference, Resource, State
from provision.agent.system import System

_FILE = "/etc/hostname"
_KERNEL = "/proc/sys/kernel/hostname"


class Hostname(Resource):
    """The name of the host, now and after the next boot.

    Args:
        name: the name.

    """

    name: str

    def expected(self, system: System) -> State:
        """Return the name."""
        return {"configured": self.name, "live": self.name}

    def actual(self, system: System) -> State:
        """Return the name in its file, and the kernel's."""
        return {
            "configured": (system.read_text(_FILE) or "").strip(),
            "live": (system.read_text(_KERNEL) or "").strip(),
        }

    def fix(self, system: System, difference: Difference) -> None:
        """Set both."""
        if "configured" in difference:
            system.write(_FILE, (self.name + "\n").encode())
        if "live" in difference:
            system.write_kernel(_KERNEL, self.name)
