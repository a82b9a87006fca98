"""The host's users and groups, by name and by number."""

from __future__ import annotations

import grp
import pwd

from provision.agent.failure import NotThereYet


class Accounts:
    """What the host calls its users and groups."""

    def owner_name(self, uid: int) -> str:
        """Return the name of a user id, or the number as text."""
        try:
            return pwd.getpwuid(uid).pw_name
        except KeyError:
            return str(uid)

    def group_name(self, gid: int) -> str:
        """Return the name of a group id, or the number as text."""
        try:
            return grp.getgrgid(gid).gr_name
        except KeyError:
            return str(gid)

    def user_id(self, name: str) -> int:
        """Return the id of a user given by name or number."""
        if name.isdigit():
            return int(name)
        try:
            return pwd.getpwnam(name).pw_uid
        except KeyError:
            raise NotThereYet("there is no user {!r}".format(name)) from None

    def group_id(self, name: str) -> int:
        """Return the id of a group given by name or number."""
        if name.isdigit():
            return int(name)
        try:
            return grp.getgrnam(name).gr_gid
        except KeyError:
            raise NotThereYet("there is no group {!r}".format(name)) from None
