"""A home directory that sshd trusts."""

from __future__ import annotations

from provision.agent import accounts
from provision.agent.failure import NotThereYet
from provision.agent.resource import Difference, Resource, State
from provision.agent.system import System

_OTHERS_WRITE = 0o022


class StrictHome(Resource):
    """That a home directory is its user's, and that nobody else may write to it.

    Else sshd ignores the keys in it (``StrictModes`` in sshd_config(5)). Whether others may look
    into it is not our business.

    Args:
        user: an existing user.

    """

    user: str

    def expected(self, system: System) -> State:
        """Return the owner, and that others cannot write."""
        return {"owner": self.user, "writable by others": False}

    def actual(self, system: System) -> State:
        """Return the same as it is."""
        path = self._path(system)
        status = system.stat(path)
        if status is None:
            raise NotThereYet("there is no home directory {}".format(path))
        # sshd trusts root as well.
        owner = self.user if status.owner == "root" else status.owner
        return {"owner": owner, "writable by others": bool(status.mode & _OTHERS_WRITE)}

    def fix(self, system: System, difference: Difference) -> None:
        """Own it, and take the permission away."""
        path = self._path(system)
        if "owner" in difference:
            system.set_owner(path, self.user, None)
        status = system.stat(path)
        if status is not None:
            system.set_mode(path, status.mode & ~_OTHERS_WRITE)

    def _path(self, system: System) -> str:
        return system.resolve(accounts.require_user(system, self.user).home)
