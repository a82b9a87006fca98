"""Which release of a role counts on this host."""

from __future__ import annotations

from typing import Any, Dict

from provision.agent import releases
from provision.agent.resource import Difference, Resource, State
from provision.agent.system import System


class CurrentRelease(Resource):
    """The link ``current`` leads to a release, and the host's history says since when.

    Args:
        root: the role's directory.
        role: its name.
        release: the id of a release that is there, and that has been well.
        entry: what the history says beside the releases: ``action``, ``run``, ``by``.

    """

    root: str
    role: str
    release: str
    entry: Dict[str, Any]

    def expected(self, system: System) -> State:
        """Return the release that is to be the current one."""
        return {"current": self.release}

    def actual(self, system: System) -> State:
        """Return the one that is."""
        return {"current": releases.current(system, self.root) or None}

    def fix(self, system: System, difference: Difference) -> None:
        """Switch the link, atomically, and write that down."""
        system.symlink("releases/" + self.release, self.root + "/current")
        switch = {"role": self.role, "release": self.release}
        replaced = difference["current"].actual
        releases.record(system, {**self.entry, **switch, "replaced": replaced})
