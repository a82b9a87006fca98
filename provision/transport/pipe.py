"""Two byte streams to a running agent: over SSH, or to a process of this machine."""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Callable
from typing import IO, TYPE_CHECKING, Protocol, cast

if TYPE_CHECKING:
    import fabric

_CHUNK = 32768  # paramiko's sendall crawls on one huge buffer: it copies the rest at every packet
_KEPT_STDERR = 8192  # bytes

StderrHandler = Callable[[str], None]


class Pipe(Protocol):
    """What an agent's channel needs of a connection."""

    def send(self, data: bytes) -> None:
        """Send all of ``data``; raises ``OSError`` where the other side is gone."""

    def receive(self) -> bytes:
        """Return the next bytes of its stdout; empty at its end."""

    def stderr(self) -> str:
        """Return what it has said on stderr lately."""

    def finish_sending(self) -> None:
        """Close its stdin."""

    def close(self) -> None:
        """Give the stream up."""


class SSHPipe:
    """A command running over an SSH connection, on one channel."""

    def __init__(self, connection: fabric.Connection, command: str) -> None:
        self._channel = connection.create_session()
        self._stderr = ""
        self._channel.settimeout(1.0)
        self._channel.exec_command(command)

    def send(self, data: bytes) -> None:
        """Send in pieces that paramiko handles well."""
        view = memoryview(data)
        while view:
            try:
                sent = self._channel.send(view[:_CHUNK])
            except TimeoutError:
                continue  # the window is full; the transport notices a dead connection
            if sent == 0:
                raise ConnectionResetError("the channel was closed")
            view = view[sent:]

    def receive(self) -> bytes:
        """Wait for output; stderr is drained as well, since a full one would stall both."""
        while True:
            self._drain_stderr()
            try:
                data: bytes = self._channel.recv(1 << 16)
            except TimeoutError:
                continue
            self._drain_stderr()
            return data

    def _drain_stderr(self) -> None:
        while self._channel.recv_stderr_ready():
            text = self._channel.recv_stderr(1 << 16).decode("utf-8", "replace")
            self._stderr = (self._stderr + text)[-_KEPT_STDERR:]

    def stderr(self) -> str:
        """Return the end of its stderr."""
        self._drain_stderr()
        return self._stderr

    def finish_sending(self) -> None:
        """Send end-of-file."""
        self._channel.shutdown_write()

    def close(self) -> None:
        """Close the channel; the connection stays."""
        self._channel.close()


class LocalPipe:
    """A process of this machine."""

    def __init__(self, command: str) -> None:
        self._process = subprocess.Popen(  # noqa: S602 - the command is ours
            command,
            shell=True,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
            bufsize=0,
        )
        self._in = cast(IO[bytes], self._process.stdin)
        self._out = cast(IO[bytes], self._process.stdout)
        self._err = cast(IO[bytes], self._process.stderr)
        self._stderr = ""
        threading.Thread(target=self._read_stderr, daemon=True).start()

    def _read_stderr(self) -> None:
        while text := self._err.read(1 << 16):
            self._stderr = (self._stderr + text.decode("utf-8", "replace"))[-_KEPT_STDERR:]

    def send(self, data: bytes) -> None:
        """Write all of ``data``."""
        view = memoryview(data)
        while view:
            view = view[self._in.write(view) :]

    def receive(self) -> bytes:
        """Return what there is on stdout, waiting for something."""
        return self._out.read(1 << 16) or b""

    def stderr(self) -> str:
        """Return the end of its stderr."""
        return self._stderr

    def finish_sending(self) -> None:
        """Close its stdin."""
        self._in.close()

    def close(self) -> None:
        """End the process where it has not ended by itself."""
        self.finish_sending()
        try:
            self._process.wait(5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
