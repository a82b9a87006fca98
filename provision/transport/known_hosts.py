"""Reading ``known_hosts`` files as OpenSSH does (sshd(8), "SSH_KNOWN_HOSTS FILE FORMAT").

Paramiko has a reader, too. It stops at the first broken line, takes ``@revoked`` for a host name,
knows no wildcards, and compares every line with every other: seconds for a file of a thousand.
"""

from __future__ import annotations

import base64
import fnmatch
import hashlib
import hmac
import os
import threading
from collections.abc import Iterable, Iterator
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

SYSTEM = (Path("/etc/ssh/ssh_known_hosts"), Path("/etc/ssh/ssh_known_hosts2"))
_HASHED = "|1|"
_append_lock = threading.Lock()


class KnownKey(NamedTuple):
    """A host's key as a file has it.

    Args:
        kind: such as ``ssh-ed25519``.
        blob: the key in SSH's wire format.
        revoked: whether it must never be accepted.
        where: file and line.

    """

    kind: str
    blob: bytes
    revoked: bool
    where: str


class _Line(NamedTuple):
    names: str
    kind: str
    key: str
    revoked: bool
    number: int


def keys_of(name: str, files: Iterable[Path]) -> list[KnownKey]:
    """Return the keys that the files have for a host.

    Args:
        name: the host's name; ``[name]:port`` where the port is not 22.
        files: those that do not exist are passed over.

    """
    return [key for path in files for key in _keys_in(path, name)]


def _keys_in(path: Path, name: str) -> Iterator[KnownKey]:
    for line in _parse(path, _version(path)):
        if _is_meant(name, line.names):
            try:
                blob = base64.b64decode(line.key, validate=True)
            except ValueError:
                continue
            yield KnownKey(line.kind, blob, line.revoked, f"{path}:{line.number}")


def _version(path: Path) -> tuple[int, int]:
    """Return what changes when a file is written to."""
    try:
        status = path.stat()
    except OSError:
        return 0, 0
    return status.st_mtime_ns, status.st_size


@lru_cache(maxsize=16)
def _parse(path: Path, version: tuple[int, int]) -> tuple[_Line, ...]:
    """Split a file into its entries, once for all hosts; lines that are none are passed over."""
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ()
    return tuple(
        line
        for number, each in enumerate(text.splitlines(), 1)
        if (line := _parse_line(each, number)) is not None
    )


def _parse_line(text: str, number: int) -> _Line | None:
    words = text.split()
    marker = words.pop(0) if words and words[0].startswith("@") else ""
    fields = 3
    # A certificate authority's key is no host's key: certificates are not supported (paramiko).
    if len(words) < fields or words[0].startswith("#") or marker not in {"", "@revoked"}:
        return None
    return _Line(words[0], words[1], words[2], marker == "@revoked", number)


def _is_meant(name: str, names: str) -> bool:
    """Tell whether an entry's patterns name the host: one at least, and no negated one."""
    if names.startswith(_HASHED):
        return _is_hash_of(name, names)
    meant = False
    for pattern in names.split(","):
        negated = pattern.startswith("!")
        if _matches(name, pattern.removeprefix("!")):
            if negated:
                return False
            meant = True
    return meant


def _matches(name: str, pattern: str) -> bool:
    if "*" not in pattern and "?" not in pattern:
        return name.lower() == pattern.lower()
    return fnmatch.fnmatchcase(name.lower(), pattern.lower().replace("[", "[[]"))


def _is_hash_of(name: str, hashed: str) -> bool:
    """Compare with ``|1|salt|HMAC-SHA1 of the name``, what ``HashKnownHosts yes`` writes."""
    try:
        salt, digest = (base64.b64decode(part) for part in hashed.removeprefix(_HASHED).split("|"))
    except ValueError:
        return False
    return hmac.compare_digest(hmac.new(salt, name.encode(), hashlib.sha1).digest(), digest)


def remember(path: Path, name: str, kind: str, blob: bytes) -> None:
    """Append a host's key to a file, once; a new file can be read by its owner alone."""
    with _append_lock:
        if any(key.blob == blob for key in _keys_in(path, name)):
            return
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        old = path.read_bytes() if path.exists() else b""
        separator = "\n" if old and not old.endswith(b"\n") else ""
        descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(f"{separator}{name} {kind} {base64.b64encode(blob).decode()}\n")
