"""Which Linux it is, in Ansible's names."""

from __future__ import annotations

import re
from typing import Any, Dict

from provision.agent.system import System

_NAMES = {
    "almalinux": "AlmaLinux",
    "amzn": "Amazon",
    "arch": "Archlinux",
    "centos": "CentOS",
    "debian": "Debian",
    "fedora": "Fedora",
    "ol": "OracleLinux",
    "opensuse-leap": "openSUSE Leap",
    "raspbian": "Debian",
    "rhel": "RedHat",
    "rocky": "Rocky",
    "sles": "SLES",
    "ubuntu": "Ubuntu",
}
_FAMILIES = (
    ("Debian", {"debian", "ubuntu"}),
    ("RedHat", {"rhel", "fedora", "centos", "amzn", "rocky", "almalinux", "ol"}),
    ("Suse", {"suse", "opensuse", "sles", "opensuse-leap"}),
    ("Archlinux", {"arch"}),
    ("Alpine", {"alpine"}),
)
_PACKAGE_MANAGERS = (("apt", "apt-get"), ("dnf", "dnf"), ("yum", "yum"), ("zypper", "zypper"))


def distribution(system: System) -> Dict[str, Any]:
    """Return the distribution, its version and its family."""
    release = os_release(system)
    kind = release.get("ID", "linux")
    kinds = {kind, *release.get("ID_LIKE", "").split()}
    name = _NAMES.get(kind, release.get("NAME", "Linux"))
    version = release.get("VERSION_ID", "NA")
    if kind == "debian":  # the point release is only there
        point = (system.read_text("/etc/debian_version") or "").strip()
        version = point if re.fullmatch(r"[\d.]+", point) else version
    managers = (manager for manager, program in _PACKAGE_MANAGERS if system.which(program))
    booted = system.exists("/run/systemd/system")
    init = (system.read_text("/proc/1/comm") or "unknown").strip()
    return {
        "ansible_distribution": name,
        "ansible_distribution_version": version,
        "ansible_distribution_major_version": version.split(".")[0],
        "ansible_distribution_release": release.get("VERSION_CODENAME") or _codename(release),
        "ansible_os_family": next((f for f, members in _FAMILIES if members & kinds), name),
        "ansible_pkg_mgr": next(managers, "unknown"),
        "ansible_service_mgr": "systemd" if booted else init,
        "ansible_selinux": _selinux(system),
    }


def os_release(system: System) -> Dict[str, str]:
    """Return the fields of os-release(5)."""
    text = system.read_text("/etc/os-release") or system.read_text("/usr/lib/os-release") or ""
    pairs = (line.partition("=") for line in text.splitlines() if "=" in line)
    return {name.strip(): value.strip().strip("\"'") for name, _, value in pairs}


def _codename(release: Dict[str, str]) -> str:
    found = re.search(r"\(([^)]+)\)", release.get("VERSION", ""))
    return found.group(1) if found else "NA"


def _selinux(system: System) -> Dict[str, str]:
    enforcing = system.read_text("/sys/fs/selinux/enforce")
    if enforcing is None:
        return {"status": "disabled"}
    return {"status": "enabled", "mode": "enforcing" if enforcing == "1" else "permissive"}
