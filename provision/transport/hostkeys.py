"""Strict host keys: known ones pass, unknown ones only when asked for, changed ones never.

Fabric accepts any key, a changed one too, and reads no ``known_hosts``. Its client is given this
policy before it connects, and no keys of its own, so that every key comes here.
"""

from __future__ import annotations

import base64
import hashlib
from typing import TYPE_CHECKING

from paramiko import MissingHostKeyPolicy

from provision.errors import UnreachableError, UsageError
from provision.transport.known_hosts import SYSTEM, KnownKey, keys_of, remember

if TYPE_CHECKING:
    import paramiko

    from provision.transport.route import Hop

# A key type of ``known_hosts`` -> the algorithms that prove possession of such a key.
_ALGORITHMS = {"ssh-rsa": ("rsa-sha2-512", "rsa-sha2-256")}


class HostKeys(MissingHostKeyPolicy):
    """What is known of one server's keys.

    Args:
        host: the inventory's name of the host that the server leads to, for messages.
        hop: the server.

    Raises:
        UsageError: the pinned key is none.

    """

    def __init__(self, host: str, hop: Hop) -> None:
        self._host = host
        self._hop = hop
        self._known = _pinned(host, hop) or keys_of(hop.key_name, (*hop.known_hosts, *SYSTEM))

    def preferred(self, algorithms: tuple[str, ...]) -> tuple[str, ...]:
        """Order host key algorithms: those first for which a key is known.

        A server has several keys and shows one. Asked for another type than the known one, it
        would show a key that cannot be told from a stranger's.
        """
        kinds = [key.kind for key in self._known if not key.revoked]
        known = {name for kind in kinds for name in _ALGORITHMS.get(kind, (kind,))}
        return tuple(sorted(algorithms, key=lambda algorithm: algorithm not in known))

    def missing_host_key(
        self, client: paramiko.SSHClient, hostname: str, key: paramiko.PKey
    ) -> None:
        """Judge the key that a server has shown (and proven to have).

        Raises:
            UnreachableError: unknown, changed or revoked.

        """
        blob = key.asbytes()
        same = [known for known in self._known if known.blob == blob]
        for known in same:
            if known.revoked:
                raise self._refusal(key, f"is marked as revoked in {known.where}", "ask why")
        if same:
            return
        others = [known for known in self._known if not known.revoked]
        if others:
            raise self._changed(key, others)
        if not self._hop.accept_new:
            raise self._unknown(key)
        remember(self._hop.known_hosts[0], self._hop.key_name, key.get_name(), blob)

    def _refusal(self, key: paramiko.PKey, problem: str, hint: str) -> UnreachableError:
        shown = f"{key.get_name()} {fingerprint(key.asbytes())}"
        return UnreachableError(
            f"host {self._host}: {self._hop.label}: its host key {shown} {problem}", hint=hint
        )

    def _unknown(self, key: paramiko.PKey) -> UnreachableError:
        hint = (
            "compare it with the host's own (there: ssh-keygen -lf /etc/ssh/ssh_host_*_key.pub),"
            " then run once with --accept-new-host-keys, or set provision_host_key"
        )
        if self._hop.checking_off:
            hint += ". StrictHostKeyChecking no of ssh_config is not obeyed"
        return self._refusal(key, "is not known", hint)

    def _changed(self, key: paramiko.PKey, known: list[KnownKey]) -> UnreachableError:
        expected = next((each for each in known if each.kind == key.get_name()), known[0])
        remove = f"ssh-keygen -f {expected.where.rpartition(':')[0]} -R '{self._hop.key_name}'"
        if self._hop.host_key is not None:
            remove = "correct provision_host_key"
        return self._refusal(
            key,
            f"has changed: {expected.kind} {fingerprint(expected.blob)} is expected"
            f" ({expected.where})",
            "somebody may be listening in. If the host was reinstalled, compare the new key with"
            f" the host's own, then forget the old one: {remove}",
        )


def fingerprint(blob: bytes) -> str:
    """Return a key's fingerprint as OpenSSH shows it."""
    return "SHA256:" + base64.b64encode(hashlib.sha256(blob).digest()).decode().rstrip("=")


def _pinned(host: str, hop: Hop) -> list[KnownKey]:
    """Return the key that the inventory pins; then nothing else counts."""
    if hop.host_key is None:
        return []
    words = hop.host_key.split()
    try:
        blob = base64.b64decode(words[1], validate=True)
        # A key in wire format begins with the length and the name of its type.
        if blob[4 : 4 + blob[3]].decode("ascii") != words[0]:
            raise ValueError(words[0])
    except (IndexError, ValueError):
        raise UsageError(
            f"host {host}: provision_host_key is not a public key",
            hint="give the type and the key as `ssh-keyscan` prints them: ssh-ed25519 AAAA…",
        ) from None
    return [KnownKey(words[0], blob, revoked=False, where="provision_host_key")]
