"""Commands that more than one suite asks for, and what their output says."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from provision.agent import rpm

_UNITS = (
    "docker.service",
    "containerd.service",
    "chrony.service",
    "chronyd.service",
    "systemd-timesyncd.service",
    "ntpsec.service",
    "nvidia-persistenced.service",
    "nvidia-fabricmanager.service",
)
UNITS = f"systemctl show -p Id,LoadState,ActiveState,SubState,UnitFileState {' '.join(_UNITS)}"
"""Asks for all units that any suite looks at: systemctl's start costs more than its answer."""

_HELD = (
    *("docker*", "containerd*"),
    *("nvidia*", "libnvidia*", "kmod-nvidia*", "datacenter-gpu-manager*"),
)
_DEB = shlex.quote("${db:Status-Abbrev} ${Package} ${Version}\n")
_RPM = shlex.quote("rpm %{NAME} %|EPOCH?{%{EPOCH}:}|%{VERSION}-%{RELEASE}\n")
PACKAGES = (
    f"{{ dpkg-query -W -f {_DEB} {shlex.join(_HELD)}; rpm -qa --qf {_RPM} {shlex.join(_HELD)};"
    f" cat {shlex.join(rpm.VERSION_LOCKS)}; }} 2>/dev/null || true"
)
"""Asks for the packages that must not change by themselves, and which of them are held."""


@dataclass(frozen=True)
class Unit:
    """A systemd unit."""

    loaded: str  # "loaded", "not-found", "masked"
    active: str  # "active", "inactive", "failed"
    state: str  # "running", "dead", "exited", …
    at_boot: str  # "enabled", "disabled", "static", …


def units(text: str) -> dict[str, Unit]:
    """Read the answer to ``UNITS``: name, without ``.service`` -> unit."""
    found = {}
    for block in text.split("\n\n"):
        fields = dict(line.split("=", 1) for line in block.splitlines() if "=" in line)
        if "Id" in fields:
            found[fields["Id"].removesuffix(".service")] = Unit(
                loaded=fields.get("LoadState", ""),
                active=fields.get("ActiveState", ""),
                state=fields.get("SubState", ""),
                at_boot=fields.get("UnitFileState", ""),
            )
    return found


@dataclass(frozen=True)
class InstalledPackage:
    """A Debian package that is installed."""

    version: str
    held: bool


def packages(text: str) -> dict[str, InstalledPackage]:
    """Read the answer to ``PACKAGES``: those that are installed, by name."""
    found, locks = {}, rpm.read_locks(text)
    for line in text.splitlines():
        match line.split():
            case ["rpm", name, version]:
                held = name in locks and rpm.keeps(locks[name], version)
                found[name] = InstalledPackage(version, held=held)
            case [status, name, version] if status[1:] == "i":  # dpkg's: wanted, then found
                found[name] = InstalledPackage(version, held=status[0] == "h")
    return found


@dataclass(frozen=True)
class PathStatus:
    """What ``stat`` says of a path."""

    mode: int
    uid: int
    gid: int


def look_at(paths: Iterable[str]) -> str:
    """Return a command that asks for the status of paths; see ``statuses``."""
    return f"stat -c '%a %u %g %n' -- {shlex.join(paths)} 2>/dev/null || true"


def statuses(text: str) -> Mapping[str, PathStatus]:
    """Read the answer to ``look_at``; what does not exist is missing."""
    found = {}
    for line in text.splitlines():
        mode, uid, gid, path = line.split(" ", 3)
        found[path] = PathStatus(int(mode, 8), int(uid), int(gid))
    return found


@dataclass(frozen=True)
class ListeningSocket:
    """A socket that waits for others."""

    protocol: str  # "tcp" or "udp"
    address: str  # without brackets and interface; "*" is all, IPv4 and IPv6
    port: int
    program: str
    pid: int | None


LISTENING = "ss -H -l -n -t -u -p"


def listening(text: str) -> list[ListeningSocket]:
    """Read the answer to ``LISTENING``."""
    found = []
    for line in text.splitlines():
        columns = line.split(maxsplit=6)
        if len(columns) < 5 or columns[0] not in ("tcp", "udp"):  # noqa: PLR2004
            continue
        address, _, port = columns[4].rpartition(":")
        users = columns[6] if len(columns) > 6 else ""  # noqa: PLR2004
        _, _, pid = users.partition("pid=")
        number = pid.split(",")[0]
        found.append(
            ListeningSocket(
                protocol=columns[0],
                address=address.strip("[]").partition("%")[0].strip("[]"),
                port=int(port),
                program=users.split('"')[1] if '"' in users else "",
                pid=int(number) if number.isdigit() else None,
            )
        )
    return found
