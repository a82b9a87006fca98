"""Another boot of the machine."""

from __future__ import annotations

import shlex
import time
from typing import List, Optional

from provision.agent.boot import boot_id
from provision.agent.failure import Cancelled, Failure
from provision.agent.resource import Data, Difference, Query, Resource, State
from provision.agent.system import System, tail

_ANOTHER = "another one"
_POLL = 0.2  # seconds


class BootId(Query):
    """Tell which boot of the machine this is."""

    def answer(self, system: System) -> Data:
        """Return ``boot``: a text that no other boot has."""
        return {"boot": boot_id(system)}


class Reboot(Resource):
    """That the machine runs another boot than the one given.

    The answer may come, or the connection may end first: only another boot id is a proof.

    Args:
        since: the id of the boot to leave.
        message: what users that are logged in are told.
        delay: seconds to wait before.
        command: what reboots, instead of ``shutdown -r now``.

    """

    since: str
    message: str = ""
    delay: float = 0
    command: Optional[str] = None

    def expected(self, system: System) -> State:
        """Return that it is another boot."""
        return {"boot": _ANOTHER}

    def actual(self, system: System) -> State:
        """Return which boot it is."""
        boot = boot_id(system)
        return {"boot": boot if boot == self.since else _ANOTHER}

    def fix(self, system: System, difference: Difference) -> None:
        """Begin the reboot; returns while the machine goes down."""
        end = time.monotonic() + self.delay
        while time.monotonic() < end:
            if system.is_cancelled():
                raise Cancelled
            time.sleep(_POLL)
        system.emitter.flush()
        argv = shlex.split(self.command) if self.command else self._shutdown()
        done = system.run(argv)
        if done.returncode != 0 and not _goes_down(system):
            raise Failure(
                "{} exited with {}".format(" ".join(argv), done.returncode),
                log=tail(done.stdout + done.stderr),
                hint="reboot it by hand, then run it again",
            )

    def _shutdown(self) -> List[str]:
        return ["shutdown", "-r", "now", *([self.message] if self.message else [])]


def _goes_down(system: System) -> bool:
    """Tell whether systemd is at it all the same: without logind ``shutdown`` complains first."""
    if system.which("systemctl") is None:
        return False
    return "stopping" in system.run(["systemctl", "is-system-running"]).stdout
