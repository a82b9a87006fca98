"""Noticing that the other side has gone without a word: a cable pulled, a host or a path frozen.

The kernel ends a connection whose data nobody acknowledges. That says nothing of what is behind a
jump host or a proxy, so the server is asked as well, as OpenSSH's ``ServerAliveInterval`` does;
paramiko's own keepalive messages want no answer, and so prove nothing.
"""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Callable
from typing import Any

import paramiko
from paramiko.common import cMSG_GLOBAL_REQUEST
from paramiko.packet import Packetizer

ASK_EVERY = 10  # seconds without a message to the server
GIVE_UP_AFTER = 30  # seconds without a message from it


def tune(sock: socket.socket) -> None:
    """Prepare a TCP socket: small messages go out at once, and lost ones are noticed."""
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    if hasattr(socket, "TCP_USER_TIMEOUT"):  # Linux
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, GIVE_UP_AFTER * 1000)


class ListeningPacketizer(Packetizer):
    """Remembers when the server was heard last, and what it said before its version."""

    def __init__(self, sock: Any) -> None:
        super().__init__(sock)
        self.heard = self._looked = time.monotonic()
        self.greeting: list[str] = []
        self.look: Callable[[], None] | None = None  # called regularly while nothing comes

    def readline(self, timeout: float) -> str:
        """Read a line of the greeting; sshd explains itself there when it drops a connection."""
        line: str = super().readline(timeout)
        self.greeting.append(line)
        return line

    def read_message(self) -> tuple[int, paramiko.Message]:
        """Read one message of any kind."""
        message: tuple[int, paramiko.Message] = super().read_message()
        self.heard = time.monotonic()
        return message

    def _check_keepalive(self) -> None:
        """Look at intervals of our own: paramiko's begin anew with everything that is sent."""
        now = time.monotonic()
        if self.look is not None and now - self._looked > ASK_EVERY:
            self._looked = now
            self.look()


def watch(transport: paramiko.Transport) -> None:
    """Ask the server for a sign of life when it is silent, and end the connection without one."""
    packetizer = transport.packetizer
    assert isinstance(packetizer, ListeningPacketizer)  # noqa: S101 - see `secured`

    def look() -> None:  # called by the transport's thread, which must never wait for a lock
        if time.monotonic() - packetizer.heard > GIVE_UP_AFTER:
            transport.saved_exception = TimeoutError(f"no answer for {GIVE_UP_AFTER} s")
            packetizer.close()
        else:
            threading.Thread(target=_ask, args=(transport,), daemon=True).start()

    packetizer.look = look


def _ask(transport: paramiko.Transport) -> None:
    message = paramiko.Message()
    message.add_byte(cMSG_GLOBAL_REQUEST)
    message.add_string("keepalive@openssh.com")
    message.add_boolean(True)  # wants an answer; "no such request" is one
    with contextlib.suppress(OSError, EOFError, paramiko.SSHException):
        transport._send_user_message(message)  # type: ignore[attr-defined]
