"""A group of users."""

from __future__ import annotations

from typing import Optional

from provision.agent import accounts
from provision.agent.resource import Difference, Resource, State
from provision.agent.system import System


class Group(Resource):
    """A local group.

    Args:
        name: its name.
        gid: its number; None keeps what is there, or takes the next free one.
        system: take a new one's number from the system range.
        state: ``present`` or ``absent``.

    """

    name: str
    gid: Optional[int] = None
    system: bool = False
    state: str = "present"

    def expected(self, system: System) -> State:
        """Return whether it exists, and its number."""
        state: State = {"state": self.state}
        if self.state == "present" and self.gid is not None:
            state["gid"] = self.gid
        return state

    def actual(self, system: System) -> State:
        """Return the same of /etc/group."""
        group = accounts.groups(system).get(self.name)
        return {"state": "present", "gid": group.gid} if group else {"state": "absent"}

    def fix(self, system: System, difference: Difference) -> None:
        """Add, change or delete it."""
        number = [] if self.gid is None else ["-g", str(self.gid)]
        if self.state == "absent":
            argv = ["groupdel"]
        elif "state" in difference:
            argv = ["groupadd", *(["-r"] if self.system else []), *number]
        else:
            argv = ["groupmod", *number]
        system.must_run([*argv, self.name])
