"""Which boot of the machine this is, and whether another one is wanted."""

from __future__ import annotations

import json
from typing import Any, Dict, Optional

from provision.agent.system import System

# Written by whoever changed something that only a reboot puts into effect: {"reason": text}.
REQUIRED = "/run/provision/reboot-required"

# Written by packages of Debian and Ubuntu (update-notifier); ``.pkgs`` names them.
DISTRIBUTION = "/run/reboot-required"

# How far a reboot has come: ``boot`` that is left, ``reason``, ``gpus`` and what ``ran``.
CHECKPOINT = "/var/lib/provision/reboot.json"


def boot_id(system: System) -> str:
    """Return the kernel's id of this boot, see random(4)."""
    return (system.read_text("/proc/sys/kernel/random/boot_id") or "").strip()


def required(system: System, *, distribution: bool) -> str:
    """Return why the host has to be rebooted, "" where it has not.

    Args:
        system: the host.
        distribution: whether the distribution's own wish counts as well.

    """
    text = system.read_text(REQUIRED)
    if text is not None:
        return str(_parsed(text).get("reason") or "something was changed that needs it")
    if not distribution or not system.exists(DISTRIBUTION):
        return ""
    packages = (system.read_text(DISTRIBUTION + ".pkgs") or "").split()
    return "updates of {}".format(", ".join(sorted(set(packages))) or "the distribution")


def checkpoint(system: System) -> Optional[Dict[str, Any]]:
    """Return how far a reboot has come that has not been completed, None without one."""
    text = system.read_text(CHECKPOINT)
    found = _parsed(text) if text is not None else {}
    return found if "boot" in found else None


def _parsed(text: str) -> Dict[str, Any]:
    try:
        value = json.loads(text)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}
