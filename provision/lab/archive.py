"""Tar files in memory: how files get into builds and containers."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Entry:
    """A file: its bytes, its mode, and the number that is both its owner and its group."""

    content: bytes
    mode: int = 0o644
    owner: int = 0


def pack(entries: Mapping[str, Entry]) -> bytes:
    """Return a tar file of ``entries`` by name: the same bytes for the same content."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for name, entry in sorted(entries.items()):
            member = tarfile.TarInfo(name)
            member.size, member.mode = len(entry.content), entry.mode
            member.uid = member.gid = entry.owner
            tar.addfile(member, io.BytesIO(entry.content))
    return buffer.getvalue()
