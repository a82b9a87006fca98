"""GPUs that answer through their driver."""

from __future__ import annotations

import time

from provision.agent.failure import Cancelled, Failure
from provision.agent.resource import Data, Query
from provision.agent.system import System

_POLL = 1.0  # seconds
_ASK = ["nvidia-smi", "--query-gpu=index,driver_version", "--format=csv,noheader"]


class GpusAnswer(Query):
    """Wait until the driver tells of all GPUs; a host without ``nvidia-smi`` is asked nothing.

    Args:
        count: how many there have to be.
        timeout: seconds that they may take after a boot.

    """

    count: int
    timeout: float = 120

    def answer(self, system: System) -> Data:
        """Return the number of ``gpus`` and the ``driver`` version.

        Raises:
            Failure: fewer answer.

        """
        if self.count == 0 or system.which("nvidia-smi") is None:
            return {"gpus": 0, "driver": ""}
        deadline = time.monotonic() + self.timeout
        while True:
            done = system.run(_ASK, timeout=60, interruptible=True)
            rows = done.stdout.split("\n")[:-1] if done.returncode == 0 else []
            if len(rows) >= self.count:
                return {"gpus": len(rows), "driver": rows[0].rpartition(",")[2].strip()}
            if time.monotonic() > deadline:
                found = (done.stdout + done.stderr).strip() if done.returncode else str(len(rows))
                raise Failure(
                    "not all GPUs answer",
                    expected="{} GPUs".format(self.count),
                    found=found[:300],
                    hint="dmesg | grep NVRM; lspci -d 10de:",
                )
            if system.is_cancelled():
                raise Cancelled
            time.sleep(_POLL)
