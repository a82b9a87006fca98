"""What tasks know of the run that they are a part of."""

from __future__ import annotations

import getpass
import socket
from dataclasses import dataclass, field

from provision.images.digests import Digests
from provision.images.logins import Logins


def whoami() -> str:
    """Return who runs this and from where, such as ``ana@laptop``."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):  # a user id without a name, as in some containers
        user = "somebody"
    return f"{user}@{socket.gethostname()}"


@dataclass(frozen=True)
class RunInfo:
    """One run.

    Attributes:
        id: unique, and sorted by time.
        by: who, from where.
        images: what the names of images stand for in this run.
        logins: credentials for registries that hosts do not keep.
        may_reboot: whether hosts that wait for a reboot get it.
        notes: what is to be said at its end.
        switched: role -> the hosts that the run has put on another release of it.

    """

    id: str = ""
    by: str = field(default_factory=whoami)
    images: Digests = field(default_factory=Digests)
    logins: Logins = field(default_factory=Logins, repr=False)
    may_reboot: bool = True
    notes: list[str] = field(default_factory=list)
    switched: dict[str, set[str]] = field(default_factory=dict)

    def entry(self, action: str) -> dict[str, str]:
        """Return what a host's history says of something that this run does."""
        return {"action": action, "run": self.id, "by": self.by}
