"""The releases on a host, and how they came to be."""

from __future__ import annotations

from typing import Any, Dict, List

from provision.agent import releases
from provision.agent.resource import Data, Query
from provision.agent.system import System


class Releases(Query):
    """Tell what every role runs and can go back to, and the host's history.

    Args:
        stack: the directory of all roles, such as ``/opt/generals``.

    """

    stack: str

    def answer(self, system: System) -> Data:
        """Return ``roles`` and ``history``.

        Each role has its ``root``, ``current`` (an id, or ""), ``past`` (ids, the current one last)
        and ``releases``: the manifests, the oldest first, each with the ``missing`` files.
        """
        roles = {role: self._role(system, role) for role in system.listdir(self.stack)}
        known = {role: it for role, it in roles.items() if it["releases"] or it["current"]}
        return {"roles": known, "history": releases.history(system)}

    def _role(self, system: System, role: str) -> Dict[str, Any]:
        root = "{}/{}".format(self.stack, role)
        current = releases.current(system, root)
        return {
            "root": root,
            "current": current,
            "past": releases.past(releases.history(system, role), current),
            "releases": [
                {**manifest, "missing": self._missing(system, manifest)}
                for manifest in releases.manifests(system, root)
            ],
        }

    @staticmethod
    def _missing(system: System, manifest: Dict[str, Any]) -> List[str]:
        return [file["dest"] for file in manifest["files"] if not system.exists(file["dest"])]
