"""What a host remembers of a reboot under way: whoever comes next goes on from there."""

from __future__ import annotations

import json
from typing import Dict, List, Sequence

from provision.agent.boot import CHECKPOINT, boot_id, checkpoint
from provision.agent.compose import containers
from provision.agent.docker_api import Docker
from provision.agent.resource import Difference, Resource, State
from provision.agent.system import System

_DIRECTORY = CHECKPOINT.rpartition("/")[0]


class RebootCheckpoint(Resource):
    """That the reboot which is about to begin is written down, and what ran before it.

    What an earlier one has written is kept: its services have not been started again yet.

    Args:
        reason: why the host is rebooted.
        gpus: how many it has on its PCI bus, so that a lost one is noticed.
        projects: Compose's names of the projects to stop before and to start after it.

    """

    reason: str
    gpus: int = 0
    projects: Sequence[str] = ()

    def expected(self, system: System) -> State:
        """Return which boot is to be left."""
        return {"leaves": boot_id(system)}

    def actual(self, system: System) -> State:
        """Return which boot is written down."""
        return {"leaves": (checkpoint(system) or {}).get("boot")}

    def fix(self, system: System, difference: Difference) -> None:
        """Write it down, before anything is stopped."""
        earlier: Dict[str, List[str]] = (checkpoint(system) or {}).get("ran", {})
        ran = {name: self._running(system, name, earlier.get(name, [])) for name in self.projects}
        entry = {
            "boot": boot_id(system),
            "reason": self.reason,
            "gpus": self.gpus,
            "ran": {**earlier, **ran},
        }
        if not system.exists(_DIRECTORY):
            system.make_directory(_DIRECTORY, 0o700)
        system.write(CHECKPOINT, json.dumps(entry).encode(), mode=0o600)

    @staticmethod
    def _running(system: System, project: str, earlier: Sequence[str]) -> List[str]:
        found = containers(Docker(system), project)
        return sorted({*earlier, *(it.service for it in found if it.state == "running")})
