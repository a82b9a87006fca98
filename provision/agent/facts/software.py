"""The running system: kernel, clock, user, Python, disks."""

from __future__ import annotations

import os
import pwd
import sys
import time
from typing import Any, Dict, Optional

from provision.agent.system import System

_ENVIRONMENT = ("HOME", "LANG", "LOGNAME", "PATH", "SHELL", "USER")  # others may be secret
_DOCKER_DATA = "/var/lib/docker"


def software(system: System) -> Dict[str, Any]:
    """Return who is asked, what runs there, and what room there is."""
    machine = system.uname()
    return {
        "ansible_system": machine.sysname,
        "ansible_kernel": machine.release,
        "ansible_architecture": machine.machine,
        "ansible_machine": machine.machine,
        "ansible_machine_id": (system.read_text("/etc/machine-id") or "NA").strip(),
        "ansible_uptime_seconds": int(float((system.read_text("/proc/uptime") or "0").split()[0])),
        "ansible_python_version": sys.version.split()[0],
        "ansible_python": {"executable": sys.executable},
        "ansible_env": {name: os.environ[name] for name in _ENVIRONMENT if name in os.environ},
        **_user(),
        **_date(time.time()),
        "provision_boot_id": (
            system.read_text("/proc/sys/kernel/random/boot_id") or "unknown"
        ).strip(),
        "provision_clock": {"epoch": time.time(), "synchronized": _synchronized(system)},
        "provision_disks": {
            path: {"total": disk.total, "available": disk.available}
            for path, disk in ((path, system.disk(path)) for path in ("/", _DOCKER_DATA))
            if disk is not None
        },
    }


def _user() -> Dict[str, Any]:
    user = pwd.getpwuid(os.geteuid())
    return {
        "ansible_user_id": user.pw_name,
        "ansible_user_uid": user.pw_uid,
        "ansible_user_gid": user.pw_gid,
        "ansible_user_dir": user.pw_dir,
        "ansible_user_shell": user.pw_shell,
    }


def _date(now: float) -> Dict[str, Any]:
    local = time.localtime(now)
    formats = {"date": "%Y-%m-%d", "time": "%H:%M:%S", "tz": "%Z", "tz_offset": "%z"}
    parts = {"year": "%Y", "month": "%m", "day": "%d", "hour": "%H", "minute": "%M", "second": "%S"}
    date = {name: time.strftime(text, local) for name, text in {**formats, **parts}.items()}
    date["epoch"] = str(int(now))
    date["iso8601"] = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(now))
    return {"ansible_date_time": date}


def _synchronized(system: System) -> Optional[bool]:
    """Tell whether the clock follows others; None where its program does not say so in a file."""
    if system.exists("/run/systemd/timesync/synchronized"):
        return True
    others = ("/run/chrony/chronyd.pid", "/run/ntpd.pid", "/var/run/ntpd.pid", "/run/ntpsec.pid")
    return None if any(system.exists(path) for path in others) else False
