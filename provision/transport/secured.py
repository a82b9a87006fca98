"""A Fabric connection that checks host keys, goes through any jump hosts, and leaves nothing open.

Imports Fabric: import this module only where a connection is about to be opened.
"""

from __future__ import annotations

import logging
import socket
from typing import Any

import fabric
import paramiko

from provision.transport.hostkeys import HostKeys
from provision.transport.liveness import ListeningPacketizer, tune, watch
from provision.transport.login import Login
from provision.transport.proxy import ProxyProcess
from provision.transport.route import Hop

_CHANNEL_TIMEOUT = 30.0  # seconds for a server to open a channel; paramiko would wait an hour

# Paramiko logs with tracebacks what it raises as well; without a handler they go to the terminal.
logging.getLogger("paramiko").addHandler(logging.NullHandler())


class JumpFailed(Exception):
    """A server on the way could not be reached; the cause says why."""

    def __init__(self, label: str) -> None:
        super().__init__(label)
        self.label = label


class SecuredConnection(fabric.Connection):  # type: ignore[misc]
    """One connection of a route.

    Args:
        host: the inventory's name of the host that the route leads to.
        hop: the server to connect to.
        through: the connection to the server before it; closed together with this one.

    """

    def __init__(self, host: str, hop: Hop, through: SecuredConnection | None) -> None:
        # Fabric turns unknown attributes into settings; `_set` is its way around that.
        self._set(hop=hop, through=through, policy=HostKeys(host, hop))
        self._set(sock=None, proxy=None, packetizer=None)
        super().__init__(
            hop.host,
            user=hop.user,
            port=hop.port,
            connect_timeout=hop.connect_timeout,
            connect_kwargs=self._arguments(hop),
            config=_settings(),
            gateway=False,  # the route is decided: Fabric is not to look for jump hosts
        )
        self.client.set_missing_host_key_policy(self.policy)

    def _arguments(self, hop: Hop) -> dict[str, Any]:
        return {
            "auth_strategy": Login(hop),
            "banner_timeout": hop.connect_timeout,
            "auth_timeout": hop.connect_timeout * 2,
            "channel_timeout": _CHANNEL_TIMEOUT,
            "transport_factory": self._make_transport,
        }

    def _make_transport(self, sock: Any, **arguments: Any) -> paramiko.Transport:
        transport = paramiko.Transport(sock, packetizer_class=ListeningPacketizer, **arguments)
        self._set(packetizer=transport.packetizer)
        options = transport.get_security_options()
        options.key_types = self.policy.preferred(tuple(options.key_types))
        return transport

    @property
    def greeting(self) -> list[str]:
        """What the server said before its version and with it, line by line."""
        return self.packetizer.greeting if self.packetizer is not None else []

    @property
    def proxy_failure(self) -> str:
        """The last words of a proxy command that has failed, once the connection is closed."""
        return self.proxy.failure if self.proxy is not None else ""

    def open(self) -> None:
        """Connect, where that has not been done."""
        if not self.is_connected:
            self._set(sock=self._open_socket())
            self.connect_kwargs["sock"] = self.sock
            super().open()
            watch(self.transport)

    def _open_socket(self) -> Any:
        hop: Hop = self.hop
        if self.through is not None:
            self._open_jump(self.through)
            return self.through.transport.open_channel(
                "direct-tcpip", (hop.host, hop.port), ("", 0), timeout=hop.connect_timeout
            )
        if hop.proxy_command is not None:
            self._set(proxy=ProxyProcess(hop.proxy_command))
            return self.proxy.socket
        sock = socket.create_connection((hop.host, hop.port), hop.connect_timeout)
        tune(sock)
        return sock

    @staticmethod
    def _open_jump(through: SecuredConnection) -> None:
        try:
            through.open()
        except Exception as error:
            raise JumpFailed(through.hop.label) from error

    def close(self) -> None:
        """Close it and all that it goes through; what failed to open is closed as well."""
        super().close()
        self.client.close()
        for part in (self.sock, self.proxy, self.through):
            if part is not None:
                part.close()


def _settings() -> fabric.Config:
    """Return Fabric's defaults: no file of its own counts, and ``ssh_config`` has been read."""
    return fabric.Config(lazy=True, ssh_config=paramiko.SSHConfig())
