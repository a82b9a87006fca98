"""Strict host keys: known ones pass, unknown ones only when asked for, changed ones never.

Fabric accepts any key, a changed one too, and reads no ``known_hosts``; this module is given to its
client before it connects.
"""

from __future__ import annotations

import threading
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from provision.errors import UnreachableError, UsageError

if TYPE_CHECKING:
    import paramiko

    from provision.transport.endpoint import Endpoint

_USER_FILE = Path("~/.ssh/known_hosts")
_SYSTEM_FILE = Path("/etc/ssh/ssh_known_hosts")
_write_lock = threading.Lock()


def trust(client: paramiko.SSHClient, endpoint: Endpoint, *, accept_new: bool) -> None:
    """Give ``client`` the host keys to trust and what to do with a key that is not among them.

    Args:
        client: not connected yet.
        endpoint: says which files and which pinned key count for this host.
        accept_new: write an unknown key to the endpoint's own file (else the user's) and go on.

    """
    trusted = client.get_host_keys()
    trusted.clear()
    name = _entry_name(endpoint.address, endpoint.port)
    if endpoint.host_key is not None:
        key = _parse_pin(endpoint.host_key, endpoint.name)
        trusted.add(name, key.get_name(), key)
    else:
        for path in (_SYSTEM_FILE, _USER_FILE.expanduser(), *endpoint.known_hosts):
            found = _known(path, _modified(path)).lookup(name)
            for kind, key in (found or {}).items():
                trusted.add(name, kind, key)
    remember = (*endpoint.known_hosts, _USER_FILE.expanduser())[0] if accept_new else None
    client.set_missing_host_key_policy(_policy(endpoint.name, remember))


def _entry_name(address: str, port: int | None) -> str:
    """Return the name of a host in ``known_hosts`` (sshd(8), "SSH_KNOWN_HOSTS FILE FORMAT")."""
    return address if port in {None, 22} else f"[{address}]:{port}"


def _parse_pin(pin: str, host: str) -> paramiko.PKey:
    from paramiko.hostkeys import HostKeyEntry, InvalidHostKey

    try:
        entry = HostKeyEntry.from_line(f"pinned {pin.strip()}")
    except InvalidHostKey:
        entry = None
    if entry is None or entry.key is None:
        raise UsageError(
            f"host {host}: provision_host_key is not a public key",
            hint="give the type and the key as `ssh-keyscan` prints them: ssh-ed25519 AAAA…",
        )
    return entry.key


def _modified(path: Path) -> int:
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return 0


@cache
def _known(path: Path, modified: int) -> paramiko.HostKeys:
    """Parse a file once per version, however many hosts share it."""
    from paramiko import HostKeys

    return HostKeys(str(path) if modified else None)


def _policy(host: str, remember: Path | None) -> paramiko.MissingHostKeyPolicy:
    import paramiko

    class Policy(paramiko.MissingHostKeyPolicy):
        """Refuses an unknown key, or writes it down where that was asked for."""

        def missing_host_key(
            self, client: paramiko.SSHClient, hostname: str, key: paramiko.PKey
        ) -> None:
            if remember is None:
                raise UnreachableError(
                    f"host {host}: its key is not known ({key.get_name()} {key.fingerprint})",
                    hint="compare it with the host's own (ssh-keygen -lf), then add it to"
                    " known_hosts or run once with --accept-new-host-keys",
                )
            _append(remember, f"{hostname} {key.get_name()} {key.get_base64()}\n")

    return Policy()


def _append(path: Path, line: str) -> None:
    with _write_lock:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.touch(mode=0o600)
        with path.open("a", encoding="utf-8") as file:
            file.write(line)
