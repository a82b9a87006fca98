"""One hardened Fabric connection per host."""

from __future__ import annotations

import random
import socket
import time
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from provision.errors import ProvisionError, UnreachableError
from provision.transport.endpoint import Endpoint
from provision.transport.hostkeys import trust

if TYPE_CHECKING:
    import fabric

_ATTEMPTS = 6  # against sshd's MaxStartups, which drops connections at random under a storm
_KEEPALIVE = 10  # seconds between messages on an idle connection
_LOST_AFTER_MS = 30_000  # of unacknowledged data, after which the kernel ends the connection


def connect(endpoint: Endpoint, *, accept_new_host_keys: bool = False) -> fabric.Connection:
    """Return an open connection to ``endpoint``.

    Raises:
        UnreachableError: saying what was tried, what happened, and what to do.

    """
    for attempt in range(1, _ATTEMPTS + 1):
        connection = _prepare(endpoint, accept_new=accept_new_host_keys)
        try:
            connection.open()
        except BaseException as error:
            connection.close()
            if attempt < _ATTEMPTS and _is_throttled(error):
                time.sleep(random.uniform(0.1, 0.5) * attempt)  # noqa: S311 - jitter
                continue
            if isinstance(error, ProvisionError) or not isinstance(error, Exception):
                raise
            raise _explain(endpoint, error) from error
        connection.transport.set_keepalive(_KEEPALIVE)
        return connection
    raise AssertionError("unreachable: the last attempt returns or raises")


def _prepare(endpoint: Endpoint, *, accept_new: bool) -> fabric.Connection:
    import fabric

    connection = fabric.Connection(
        endpoint.address,
        user=endpoint.user,
        port=endpoint.port,
        connect_timeout=endpoint.connect_timeout,
        connect_kwargs=_login(endpoint, with_password=True),
        config=_fabric_config(),
        gateway=_gateway(endpoint),
    )
    for hop in _hops(connection):
        final = hop is connection
        trust(hop.client, _resolved(endpoint, hop, final=final), accept_new=accept_new)
    return connection


def _gateway(endpoint: Endpoint) -> fabric.Connection | None:
    """Return the chain of jump hosts that the inventory names; None leaves it to ``ssh_config``."""
    import fabric

    gateway = None
    for hop in (endpoint.jump or "").split(","):
        if hop.strip():
            gateway = fabric.Connection(
                hop.strip(),
                config=_fabric_config(),
                gateway=gateway,
                connect_timeout=endpoint.connect_timeout,
                connect_kwargs=_login(endpoint, with_password=False),
            )
    return gateway


def _login(endpoint: Endpoint, *, with_password: bool) -> dict[str, Any]:
    """Return paramiko's arguments; a jump host gets the keys, never the host's password."""
    arguments: dict[str, Any] = {
        "banner_timeout": endpoint.connect_timeout * 2,
        "auth_timeout": endpoint.connect_timeout * 2,
        "transport_factory": _transport,
    }
    if with_password and endpoint.password is not None:
        arguments["password"] = endpoint.password
    if endpoint.key_file is not None:
        arguments["key_filename"] = [str(Path(endpoint.key_file).expanduser())]
        arguments["look_for_keys"] = False
    return arguments


def _hops(connection: fabric.Connection) -> Iterator[fabric.Connection]:
    """Yield the connection and the jump hosts before it."""
    while connection is not None and not isinstance(connection, str):
        yield connection
        connection = connection.gateway


def _resolved(endpoint: Endpoint, hop: fabric.Connection, *, final: bool) -> Endpoint:
    """Return the endpoint with the address that ``ssh_config`` leads to, and its known_hosts."""
    files = hop.ssh_config.get("userknownhostsfile", "").split()
    named = tuple(Path(file).expanduser() for file in files if file != "none")
    return replace(
        endpoint,
        address=hop.host,
        port=hop.port,
        host_key=endpoint.host_key if final else None,
        known_hosts=endpoint.known_hosts + named,
    )


@cache
def _fabric_config() -> fabric.Config:
    """Load ``ssh_config`` once for all hosts."""
    import fabric

    return fabric.Config()


def _transport(sock: Any, **arguments: Any) -> Any:
    """Return a paramiko transport on a socket tuned for many small messages."""
    import paramiko

    if isinstance(sock, socket.socket):
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if hasattr(socket, "TCP_USER_TIMEOUT"):
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, _LOST_AFTER_MS)
    return paramiko.Transport(sock, **arguments)


def _is_throttled(error: BaseException) -> bool:
    """Tell whether sshd dropped the connection before it said who it is, or reset it."""
    import paramiko

    if isinstance(error, paramiko.AuthenticationException | paramiko.BadHostKeyException):
        return False
    if isinstance(error, ConnectionResetError | EOFError):
        return True
    return isinstance(error, paramiko.SSHException) and any(
        words in str(error) for words in ("banner", "EOF", "reset", "No existing session")
    )


def _explain(endpoint: Endpoint, error: Exception) -> UnreachableError:
    import paramiko

    where = f"host {endpoint.name}: {endpoint.where}"
    if isinstance(error, paramiko.BadHostKeyException):
        return UnreachableError(
            f"{where}: its host key has changed: found {error.key.fingerprint},"
            f" expected {error.expected_key.fingerprint}",
            hint="somebody may be listening in. If the host was reinstalled, remove the old key"
            " (ssh-keygen -R) and compare the new one before trusting it",
        )
    if isinstance(error, paramiko.PasswordRequiredException):
        return UnreachableError(
            f"{where}: the private key is encrypted", hint="load it into ssh-agent (ssh-add)"
        )
    if isinstance(error, paramiko.AuthenticationException):
        return UnreachableError(
            f"{where}: login refused ({error})",
            hint="check ansible_user and the key (ansible_ssh_private_key_file, ssh-agent),"
            " or give --ask-pass",
        )
    return UnreachableError(f"{where}: {_network_problem(error)}", hint=_network_hint(error))


def _network_problem(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return "no answer in time"
    if isinstance(error, socket.gaierror):
        return "the name does not resolve"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror.lower()
    return str(error).strip() or type(error).__name__


def _network_hint(error: Exception) -> str:
    if isinstance(error, socket.gaierror):
        return "check ansible_host, or add the name to DNS or ssh_config"
    return "is the host up, is sshd running, does a firewall drop the port?"
