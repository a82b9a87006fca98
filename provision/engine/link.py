"""The link to one host: one connection for the whole run, one agent channel per user."""

from __future__ import annotations

import os
import pwd
import threading
from typing import TYPE_CHECKING

from provision.agent.declaration import Declaration
from provision.transport.channel import AgentChannel
from provision.transport.connection import connect
from provision.transport.endpoint import Endpoint
from provision.transport.pipe import LocalPipe, Pipe, SSHPipe

if TYPE_CHECKING:
    import fabric


class HostLink:
    """Opened when first needed, closed at the end of the run.

    Args:
        endpoint: where the host is.
        accept_new_host_keys: see ``connect``.
        install_python: whether the agent's start may install python3.

    """

    def __init__(
        self, endpoint: Endpoint, *, accept_new_host_keys: bool = False, install_python: bool = True
    ) -> None:
        self.endpoint = endpoint
        self.is_locked = False  # an agent here has the host's lock, or was asked to take it
        self._accept_new = accept_new_host_keys
        self._install_python = install_python
        self._connection: fabric.Connection | None = None
        self._cancelled = False
        self._channels: dict[str | None, AgentChannel] = {}
        self._lock = threading.Lock()

    def channel(self, become: str | None) -> AgentChannel:
        """Return the channel of the agent that runs as ``become`` (None: the login user).

        Raises:
            UnreachableError: no connection, or sudo refuses.
            KeyboardInterrupt: the link was cancelled; the thread that works on the host ends too.

        """
        with self._lock:
            if become not in self._channels and not self._cancelled:
                self._channels[become] = AgentChannel(
                    self.endpoint.name,
                    self._open_pipe,
                    become=self._sudo_user(become),
                    become_password=self.endpoint.become_password,
                    install_python=self._install_python,
                )
            if self._cancelled:
                raise KeyboardInterrupt
            return self._channels[become]

    def _sudo_user(self, become: str | None) -> str | None:
        """Return the user to ask sudo for; nobody needs sudo to be who they are."""
        return None if become == self._login_user() else become

    def is_root(self, become: str | None) -> bool:
        """Tell whether an agent that runs as ``become`` is root's (here only where it becomes so).

        Whoever runs a command on this machine is no proof of what it is about.
        """
        if become is None and self.endpoint.connection == "ssh":
            with self._lock:
                become = self._login_user()
        return become == "root"

    def _login_user(self) -> str:
        if self.endpoint.connection == "local":
            return pwd.getpwuid(os.geteuid()).pw_name
        return str(self._connected().user)  # ssh_config may have said so

    def _open_pipe(self, command: str) -> Pipe:
        if self.endpoint.connection == "local":
            return LocalPipe(command)
        return SSHPipe(self._connected(), command)

    def _connected(self) -> fabric.Connection:
        if self._connection is None:
            self._connection = connect(self.endpoint, accept_new_host_keys=self._accept_new)
        return self._connection

    def open(self) -> None:
        """Connect now rather than when something is asked of the host.

        Raises:
            UnreachableError: that is not possible.

        """
        if self.endpoint.connection == "ssh":
            with self._lock:
                self._connected()

    @property
    def connection(self) -> fabric.Connection:
        """The Fabric connection itself, opened if need be."""
        with self._lock:
            return self._connected()

    def cancel(self) -> None:
        """Ask the host's agents to stop what can be stopped; nothing new is begun."""
        self._cancelled = True
        for channel in list(self._channels.values()):
            channel.cancel()

    @property
    def at_work(self) -> Declaration | None:
        """What the host is at, if anything."""
        working = [channel.at_work for channel in list(self._channels.values())]
        return next((declaration for declaration in working if declaration), None)

    def close(self) -> None:
        """Let the agents end, and close the connection; cancelled ones are left to themselves."""
        for channel in list(self._channels.values()):
            channel.drop() if self._cancelled else channel.close()
        self._channels.clear()
        if self._connection is not None:
            self._connection.close()
            self._connection = None
