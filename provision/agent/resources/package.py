"""Packages, whatever the host's package manager is."""

from __future__ import annotations

from typing import Optional, Sequence, Union

from provision.agent.failure import Failure
from provision.agent.resource import Data, Difference, Resource, State
from provision.agent.resources.apt import Apt
from provision.agent.resources.dnf import Dnf
from provision.agent.system import System

_MANAGERS = (("apt-get", Apt), ("dnf", Dnf))


class Package(Resource):
    """What ``Apt`` and ``Dnf`` have in common; the names are those of the host's distribution.

    Args:
        name: package names, each with a version pattern if need be (``redis=7.*``).
        state: "present", "absent", or "latest".
        update_cache: fetch the package lists before something is installed.
        hold: whether upgrades are kept from changing the packages; None keeps what is.

    """

    name: Union[str, Sequence[str]]
    state: str = "present"
    update_cache: bool = False
    hold: Optional[bool] = None

    def expected(self, system: System) -> State:
        """Return a version, or "absent", for every name."""
        return self._own(system).expected(system)

    def actual(self, system: System) -> State:
        """Return what is installed."""
        return self._own(system).actual(system)

    def fix(self, system: System, difference: Difference) -> Optional[Data]:
        """Install or remove; returns the installed ``versions``."""
        return self._own(system).fix(system, difference)

    def _own(self, system: System) -> Resource:
        """Return the same declaration for the host's own package manager."""
        for program, kind in _MANAGERS:
            if system.which(program) is not None:
                return kind(**self.fields())
        raise Failure(
            "this host has none of the known package managers",
            expected=", ".join(program for program, _ in _MANAGERS),
        )
