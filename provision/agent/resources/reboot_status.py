"""Whether a host waits for a reboot, and how far one has come."""

from __future__ import annotations

from provision.agent.boot import boot_id, checkpoint, required
from provision.agent.resource import Data, Query
from provision.agent.system import System


class RebootStatus(Query):
    """Tell what is known of the host's next reboot.

    Args:
        distribution: whether the distribution's own wish counts as well.

    """

    distribution: bool = False

    def answer(self, system: System) -> Data:
        """Return ``boot``, ``reason`` ("" without one) and ``checkpoint`` (None without one)."""
        return {
            "boot": boot_id(system),
            "reason": required(system, distribution=self.distribution),
            "checkpoint": checkpoint(system),
        }
