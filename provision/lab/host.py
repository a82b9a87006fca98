"""How a lab host is reached: like any other host, by SSH."""

from __future__ import annotations

import socket
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from provision.lab.credentials import Credentials
from provision.lab.layout import Layout

USER = "ops"


@dataclass(frozen=True)
class LabHost:
    """How to reach a lab host.

    Args:
        name: ``h1``, ``h2``, …; on the lab's network also ``h1.lab.test``.
        port: of its sshd, on this machine's loopback.
        key: the login user's private key.
        known_hosts: the file with its host key.
        private_address: on the lab's network, where hosts reach each other.
        simulated_gpus: how many GPUs it pretends to have.

    """

    name: str
    port: int
    key: Path
    known_hosts: Path
    private_address: str
    address: str = "127.0.0.1"
    user: str = USER
    simulated_gpus: int = 0


def describe(
    layout: Layout, credentials: Credentials, name: str, simulated_gpus: int = 0
) -> LabHost:
    """Return how ``name`` is reached in the lab of this layout."""
    return LabHost(
        name=name,
        port=layout.port(name),
        key=credentials.key,
        known_hosts=credentials.known_hosts,
        private_address=str(layout.address(name)),
        simulated_gpus=simulated_gpus,
    )


def ssh_command(host: LabHost, argv: Sequence[str] = ()) -> list[str]:
    """Return the ``ssh`` command line that logs into ``host``, whatever the user's ssh_config."""
    options = {
        "UserKnownHostsFile": f'"{host.known_hosts}"',  # ssh takes unquoted words as several files
        "StrictHostKeyChecking": "yes",
        "IdentitiesOnly": "yes",
        "ConnectTimeout": "10",
    }
    flags = [part for name, value in options.items() for part in ("-o", f"{name}={value}")]
    target = ["-i", str(host.key), "-p", str(host.port), f"{host.user}@{host.address}"]
    return ["ssh", "-F", "none", *flags, *target, *argv]


def sshd_greets(port: int, timeout: float = 2.0) -> bool:
    """Return whether an SSH server answers on this machine's loopback ``port``."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=timeout) as connection:
            connection.settimeout(timeout)
            return connection.recv(4) == b"SSH-"
    except OSError:
        return False
