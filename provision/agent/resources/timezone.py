"""The time zone of the host."""

from __future__ import annotations

from provision.agent.failure import NotThereYet
from provision.agent.resource import Difference, Resource, State
from provision.agent.system import System

_ZONES = "/usr/share/zoneinfo/"
_LINK = "/etc/localtime"
_DEBIAN = "/etc/timezone"  # older releases of Debian have the name here as well


class Timezone(Resource):
    """The time zone that local times are told in.

    Args:
        name: such as ``Etc/UTC`` or ``Europe/Vienna``.

    """

    name: str

    def expected(self, system: System) -> State:
        """Return the name, for both files where there are two."""
        if not system.exists(_ZONES + self.name):
            raise NotThereYet(
                "the host knows no time zone {!r}".format(self.name), hint="install tzdata first"
            )
        state: State = {"name": self.name}
        return {**state, "debian_name": self.name} if system.exists(_DEBIAN) else state

    def actual(self, system: System) -> State:
        """Return where the link leads, and what the file says."""
        status = system.stat(_LINK)
        target = status.target if status is not None else ""
        return {
            "name": target.partition("zoneinfo/")[2] or None,
            "debian_name": (system.read_text(_DEBIAN) or "").strip(),
        }

    def fix(self, system: System, difference: Difference) -> None:
        """Set both."""
        if "name" in difference:
            system.symlink(_ZONES + self.name, _LINK)
        if "debian_name" in difference:
            system.write(_DEBIAN, (self.name + "\n").encode())
