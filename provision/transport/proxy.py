"""A ``ProxyCommand``: a program whose input and output lead to a server.

Paramiko's own runs no shell, spins when the program has ended, and leaves it behind as a zombie.
Here the program holds one end of a socket pair, so that everything else is as with TCP.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import tempfile

_GRACE = 2.0  # seconds to end by itself once its socket is closed


class ProxyProcess:
    """A proxy command at work.

    Args:
        command: a line for ``/bin/sh``, all tokens replaced.

    """

    failure = ""  # once it is closed: what it said last, where it had failed by itself

    def __init__(self, command: str) -> None:
        self.socket, theirs = socket.socketpair()
        self._said = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the process
        with theirs:
            self._process = subprocess.Popen(
                ["/bin/sh", "-c", f"exec {command}"],
                stdin=theirs.fileno(),
                stdout=theirs.fileno(),
                stderr=self._said,
                start_new_session=True,  # Ctrl-C is for us to handle
            )

    def close(self) -> None:
        """Close the socket, and see to it that the program ends; may be called again."""
        self.socket.close()
        for number in (signal.SIGTERM, signal.SIGKILL):
            try:
                self._process.wait(_GRACE)
            except subprocess.TimeoutExpired:
                os.killpg(self._process.pid, number)
        if self._process.wait() > 0 and not self._said.closed:
            self.failure = self._last_words() or f"exit code {self._process.returncode}"
        self._said.close()

    def _last_words(self) -> str:
        self._said.seek(0)
        lines = self._said.read().decode("utf-8", "replace").strip().splitlines()
        return lines[-1] if lines else ""
