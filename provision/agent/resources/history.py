"""A line of the host's history about something that is no switch: a failure, a removal."""

from __future__ import annotations

from typing import Any, Dict

from provision.agent import releases
from provision.agent.resource import Difference, Resource, State
from provision.agent.system import System


class History(Resource):
    """The newest line of a role's history says this.

    Args:
        entry: ``action``, ``run``, ``by``, ``role``, and what else belongs to it; no secrets.

    """

    entry: Dict[str, Any]

    def expected(self, system: System) -> State:
        """Return what happened to which role."""
        return {"recorded": self._said(self.entry)}

    def actual(self, system: System) -> State:
        """Return what the role's newest line says."""
        lines = releases.history(system, self.entry["role"])
        return {"recorded": self._said(lines[-1]) if lines else None}

    def fix(self, system: System, difference: Difference) -> None:
        """Add the line."""
        releases.record(system, self.entry)

    @staticmethod
    def _said(entry: Dict[str, Any]) -> str:
        return "{action} {role} by run {run}".format(**entry)
