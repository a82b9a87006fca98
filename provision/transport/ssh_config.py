"""The user's and the system's ``ssh_config``, read once and asked for every host."""

from __future__ import annotations

import glob
import shlex
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from provision.errors import Location, UsageError

if TYPE_CHECKING:
    from paramiko.config import SSHConfig, SSHConfigDict

SYSTEM = Path("/etc/ssh/ssh_config")
_DEEPEST = 16  # levels of Include, as in OpenSSH's readconf.c


def look_up(alias: str, *, user: str | None = None, port: int | None = None) -> SSHConfigDict:
    """Return what ``ssh_config`` says of a host; keywords in lower case, tokens replaced.

    Args:
        alias: the name as the inventory has it.
        user: the login that counts whatever the file says; ``%r`` and ``Match user`` see it.
        port: likewise, for ``%p``.

    Raises:
        UsageError: the file cannot be understood; says where it is.

    """
    return _config(Path("~").expanduser(), user, port).lookup(alias)


@lru_cache(maxsize=1024)
def _config(home: Path, user: str | None, port: int | None) -> SSHConfig:
    """Parse both files, the given values first: of several values the first one counts."""
    from paramiko.config import SSHConfig
    from paramiko.ssh_exception import ConfigParseError

    given = [f"Port {port}"] if port else []
    given += [f"User {user}"] if user else []
    path = home / ".ssh" / "config"
    lines = ["Host *", *given, *_lines(path), "Host *", *_lines(SYSTEM)]
    try:
        return SSHConfig.from_text("\n".join(lines))
    except ConfigParseError as error:
        raise UsageError(f"ssh_config cannot be read: {error}", where=Location(str(path))) from None


def _lines(path: Path, depth: int = 0) -> Iterator[str]:
    """Yield a file's lines with those of included files in their place.

    After an ``Include`` the block that it stands in goes on, whatever blocks the file had.
    """
    block = "Host *"
    for line in _text(path).splitlines():
        keyword, _, value = line.strip().replace("=", " ", 1).partition(" ")
        if keyword.lower() in {"host", "match"}:
            block = line
        if keyword.lower() == "userknownhostsfile":
            yield f'{keyword} "{value.strip()}"'  # paramiko takes one pair of quotes away
        elif keyword.lower() != "include":
            yield line
        elif depth < _DEEPEST:
            for included in _included(path, value):
                yield from _lines(included, depth + 1)
            yield block


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="surrogateescape")
    except FileNotFoundError:
        return ""
    except OSError as error:
        raise UsageError(f"cannot be read: {error.strerror}", where=Location(str(path))) from None


def _included(path: Path, patterns: str) -> Iterator[Path]:
    """Yield the files that an ``Include`` means; relative ones lie beside the including file."""
    for pattern in shlex.split(patterns):
        for name in sorted(glob.glob(str(path.parent / Path(pattern).expanduser()))):  # noqa: PTH207
            yield Path(name)
