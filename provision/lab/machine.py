"""What this machine allows, and so how a host container has to be run here."""

from __future__ import annotations

import socket
from ipaddress import IPv4Network
from pathlib import Path
from typing import Any

# include/uapi/linux/capability.h, in the order of their bits.
CAPABILITIES = [
    "CHOWN",
    "DAC_OVERRIDE",
    "DAC_READ_SEARCH",
    "FOWNER",
    "FSETID",
    "KILL",
    "SETGID",
    "SETUID",
    "SETPCAP",
    "LINUX_IMMUTABLE",
    "NET_BIND_SERVICE",
    "NET_BROADCAST",
    "NET_ADMIN",
    "NET_RAW",
    "IPC_LOCK",
    "IPC_OWNER",
    "SYS_MODULE",
    "SYS_RAWIO",
    "SYS_CHROOT",
    "SYS_PTRACE",
    "SYS_PACCT",
    "SYS_ADMIN",
    "SYS_BOOT",
    "SYS_NICE",
    "SYS_RESOURCE",
    "SYS_TIME",
    "SYS_TTY_CONFIG",
    "MKNOD",
    "LEASE",
    "AUDIT_WRITE",
    "AUDIT_CONTROL",
    "SETFCAP",
    "MAC_OVERRIDE",
    "MAC_ADMIN",
    "SYSLOG",
    "WAKE_ALARM",
    "BLOCK_SUSPEND",
    "AUDIT_READ",
    "PERFMON",
    "BPF",
    "CHECKPOINT_RESTORE",
]


def missing_capabilities(status: str) -> list[str]:
    """Return the capabilities absent from the bounding set in ``status`` (/proc/PID/status).

    A machine without /proc (Docker runs in a virtual machine there) counts as having them all.
    """
    for line in status.splitlines():
        if line.startswith("CapBnd:"):
            bits = int(line.split()[1], 16)
            return [name for bit, name in enumerate(CAPABILITIES) if not bits >> bit & 1]
    return []


def process_status() -> str:
    """Return this process' /proc status, or nothing where there is none."""
    path = Path("/proc/self/status")
    return path.read_text(encoding="utf-8") if path.exists() else ""


def isolation(cgroup_version: str, missing: list[str]) -> dict[str, Any]:
    """Return Docker's host-config fields under which systemd boots as PID 1.

    Where the machine can, that is ``--privileged``. On cgroup v1, or where a capability is out of
    reach (``--privileged`` is then refused), the same is spelled out without what is missing.
    """
    common: dict[str, Any] = {"CgroupnsMode": "private"}
    if cgroup_version == "2" and not missing:
        return {**common, "Privileged": True}
    return {
        **common,
        "CapAdd": ["ALL"],
        "CapDrop": missing,
        "SecurityOpt": ["seccomp=unconfined", "apparmor=unconfined"],
        "MaskedPaths": [],  # these two are what `--security-opt systempaths=unconfined` sends
        "ReadonlyPaths": [],
        "DeviceCgroupRules": ["a *:* rwm"],
    }


def routed_networks() -> list[IPv4Network]:
    """Return the networks that this machine has routes to, the default route aside."""
    table = Path("/proc/net/route")
    if not table.exists():
        return []
    networks = []
    for line in table.read_text(encoding="utf-8").splitlines()[1:]:
        fields = line.split()
        destination, mask = _little_endian(fields[1]), _little_endian(fields[7])
        if mask != "0.0.0.0":  # noqa: S104 - a netmask, nothing binds to it
            networks.append(IPv4Network(f"{destination}/{mask}"))
    return networks


def _little_endian(word: str) -> str:
    return socket.inet_ntoa(bytes.fromhex(word)[::-1])


def port_is_free(port: int) -> bool:
    """Return whether nothing on this machine's loopback listens on ``port``."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
