"""An existing file's mode and owner, an empty one, or none."""

from __future__ import annotations

from typing import Optional

from provision.agent.failure import NotThereYet
from provision.agent.resource import Difference, Resource, State
from provision.agent.resources.ownership import (
    owned_as,
    ownership,
    ownership_of,
    require_parent,
)
from provision.agent.system import System


class File(Resource):
    """A path whose content is not our business. Links are followed, except by ``absent``.

    Args:
        path: the absolute path.
        state: ``present``: it must exist already; ``absent``: nothing stands there, a directory
            goes with all that is in it; ``touched``: it exists, and is newly dated.
        keep_times: with ``touched``, leave the times of what exists as they are.
        mode: permission bits as a number; None keeps what is there.
        owner, group: names or numbers; None keeps what is there.

    """

    path: str
    state: str = "present"
    keep_times: bool = False
    mode: Optional[int] = None
    owner: Optional[str] = None
    group: Optional[str] = None

    def expected(self, system: System) -> State:
        """Return the type and the ownership that was declared."""
        if self.state == "absent":
            return {"type": "absent"}
        owned = ownership(system, self.mode, self.owner, self.group)
        if self.state == "present":
            return owned
        status = system.stat(system.resolve(self.path))
        if status is None:
            return {"type": "file", **owned}
        return owned if self.keep_times else {"times": "now", **owned}

    def actual(self, system: System) -> State:
        """Return what stands at ``path``."""
        followed = self.path if self.state == "absent" else system.resolve(self.path)
        status = system.stat(followed)
        if status is not None:
            return {"type": status.type, "times": "earlier", **ownership_of(status)}
        if self.state == "present":
            raise NotThereYet(
                "there is no file {}".format(self.path), hint="copy or touch it first"
            )
        if self.state == "touched":
            require_parent(system, followed)
        return {"type": "absent"}

    def fix(self, system: System, difference: Difference) -> None:
        """Remove, create, date or own it."""
        if self.state == "absent":
            return system.remove(self.path)
        path = system.resolve(self.path)
        if "type" in difference:
            return system.write(path, b"", mode=self.mode, owner=self.owner, group=self.group)
        if "times" in difference:
            system.touch(path)
        return owned_as(system, path, difference)
