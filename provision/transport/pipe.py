"""Two byte streams to a running agent: over SSH, or to a process of this machine."""

from __future__ import annotations

import contextlib
import os
import select
import subprocess
import threading
from typing import IO, TYPE_CHECKING, Protocol, cast

if TYPE_CHECKING:
    import fabric

_CHUNK = 32768  # paramiko's sendall crawls on one huge buffer: it copies the rest at every packet
_READ = 1 << 16  # bytes at a time
_KEPT_STDERR = 8192  # bytes
_GRACE = 5.0  # seconds for a process of this machine to end once its input is closed


class Pipe(Protocol):
    """What an agent's channel needs of a connection."""

    def send(self, data: bytes) -> None:
        """Send all of ``data``; raises ``OSError`` where the other side is gone."""

    def has_room(self) -> bool:
        """Tell whether something short could be sent without waiting."""

    def receive(self, timeout: float | None = None) -> bytes:
        """Return the next bytes of its stdout; empty at its end.

        Raises:
            TimeoutError: there were none for ``timeout`` seconds.

        """

    def stderr(self) -> str:
        """Return what it has said on stderr lately."""

    def close(self) -> None:
        """Give the stream up; may be called more than once."""


class _Bell:
    """Rings for two of paramiko's buffers at once; only the one who waits silences it.

    A buffer clears its event when it has been emptied, which says nothing of the other buffer.
    """

    def __init__(self) -> None:
        self._event = threading.Event()
        self.set = self._event.set
        self.wait = self._event.wait
        self.silence = self._event.clear

    def clear(self) -> None:
        """Take no notice: see above."""


class SSHPipe:
    """A command running over an SSH connection, on one channel.

    Stderr is drained whenever something comes: a full one would stall the command, and with it
    the connection.
    """

    def __init__(self, connection: fabric.Connection, command: str) -> None:
        self._stderr = b""
        self._bell = _Bell()
        try:
            # Not `create_session`, which would connect again where the connection was lost.
            self._channel = connection.transport.open_session()
            self._channel.settimeout(1.0)
            self._channel.in_buffer.set_event(self._bell)
            self._channel.in_stderr_buffer.set_event(self._bell)
            self._channel.exec_command(command)
        except Exception as error:  # paramiko's own, EOFError and OSError
            raise _lost(error) from error

    def send(self, data: bytes) -> None:
        """Send in pieces that paramiko handles well."""
        view = memoryview(data)
        while view:
            try:
                sent = self._channel.send(view[:_CHUNK])
            except TimeoutError:
                continue  # the window is full; a dead connection is noticed by its transport
            except Exception as error:
                raise _lost(error) from error
            if sent == 0:
                raise _lost(EOFError())
            view = view[sent:]

    def has_room(self) -> bool:
        """Tell whether the window is open."""
        return bool(self._channel.send_ready())

    def receive(self, timeout: float | None = None) -> bytes:
        """Wait for output."""
        while True:
            self._bell.silence()
            self._drain_stderr()
            if self._channel.recv_ready():
                return cast(bytes, self._channel.recv(_READ))
            if self._channel.eof_received or self._channel.closed:
                return b""
            if not self._bell.wait(timeout):
                raise TimeoutError

    def _drain_stderr(self) -> None:
        while self._channel.recv_stderr_ready():
            self._stderr = (self._stderr + self._channel.recv_stderr(_READ))[-_KEPT_STDERR:]

    def stderr(self) -> str:
        """Return the end of its stderr."""
        self._drain_stderr()
        return self._stderr.decode("utf-8", "replace")

    def close(self) -> None:
        """Close the channel; the connection stays."""
        self._channel.close()


def _lost(error: Exception) -> ConnectionError:
    """Return one kind of error for all that paramiko raises on a connection that has ended."""
    return ConnectionResetError(str(error) or "the connection was lost")


class LocalPipe:
    """A process of this machine, in a session of its own: Ctrl-C does not reach it."""

    def __init__(self, command: str) -> None:
        self._process = subprocess.Popen(
            ["/bin/sh", "-c", command],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
            bufsize=0,
        )
        self._in = cast(IO[bytes], self._process.stdin)
        self._out = cast(IO[bytes], self._process.stdout)
        self._err = cast(IO[bytes], self._process.stderr)
        self._readable, self._writable = select.poll(), select.poll()
        self._readable.register(self._out, select.POLLIN)
        self._writable.register(self._in, select.POLLOUT)
        self._stderr = b""
        self._stderr_reader = threading.Thread(target=self._read_stderr, daemon=True)
        self._stderr_reader.start()

    def _read_stderr(self) -> None:
        while text := self._err.read(_READ):
            self._stderr = (self._stderr + text)[-_KEPT_STDERR:]

    def send(self, data: bytes) -> None:
        """Write all of ``data``."""
        view = memoryview(data)
        while view:
            try:
                view = view[self._in.write(view) :]
            except ValueError as error:  # closed by `close`
                raise _lost(error) from error

    def has_room(self) -> bool:
        """Tell whether its standard input takes more."""
        return not self._in.closed and bool(self._writable.poll(0))

    def receive(self, timeout: float | None = None) -> bytes:
        """Return what there is on stdout, waiting for something."""
        if not self._readable.poll(None if timeout is None else timeout * 1000):
            raise TimeoutError
        return os.read(self._out.fileno(), _READ)

    def stderr(self) -> str:
        """Return the end of its stderr."""
        return self._stderr.decode("utf-8", "replace")

    def close(self) -> None:
        """End the process where it has not ended by itself."""
        with contextlib.suppress(OSError):
            self._in.close()
        try:
            self._process.wait(_GRACE)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._stderr_reader.join(_GRACE)
        if not self._stderr_reader.is_alive():  # else a daemon that it left behind has it
            self._err.close()
        self._out.close()
