"""Running a command to look at the host, as checks and facts need it."""

from __future__ import annotations

from typing import Optional

from provision.agent.resource import Data, Query
from provision.agent.system import System


class Execute(Query):
    """Run a shell command that changes nothing; any exit code is an answer.

    Args:
        command: for ``/bin/sh -c``.
        timeout: in seconds.

    """

    command: str
    timeout: Optional[float] = None

    def answer(self, system: System) -> Data:
        """Return ``rc``, ``stdout`` and ``stderr``."""
        done = system.run(["/bin/sh", "-c", self.command], timeout=self.timeout, interruptible=True)
        return {"rc": done.returncode, "stdout": done.stdout, "stderr": done.stderr}
