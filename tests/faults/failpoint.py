"""Sent along with the agent in a crash sweep: dies before a step that changes the system.

Python tells its audit hooks of everything that a program asks of the system. What changes it is
counted; /run/failpoint holds the number of the step to die at, and the first agent to see it takes
it, so that the one that comes to put things right is not hit. To die before the next step is to die
after this one: nothing happens in between.
"""

from __future__ import annotations

import os
import signal
import sys

_FILE = "/run/failpoint"
_CHANGING = {
    "os.chmod",
    "os.chown",
    "os.link",
    "os.mkdir",
    "os.remove",
    "os.rename",
    "os.rmdir",
    "os.symlink",
    "os.truncate",
    "os.utime",
    "socket.connect",
    "subprocess.Popen",
}
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT


def _arm() -> None:
    try:
        with open(_FILE) as file:  # noqa: PTH123 - as everywhere in the agent
            left = [int(file.read())]
        os.unlink(_FILE)  # noqa: PTH108 - likewise
    except FileNotFoundError:
        return

    def count(event, arguments):  # type: ignore[no-untyped-def]
        if event in _CHANGING or (event == "open" and (arguments[2] or 0) & _WRITING):
            left[0] -= 1
            if left[0] == 0:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(count)


_arm()
