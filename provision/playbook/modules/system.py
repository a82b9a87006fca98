"""Modules for packages, services and facts."""

from __future__ import annotations

from provision.agent.declaration import Declaration
from provision.agent.resources import load
from provision.playbook.modules.module import (
    Module,
    Parameters,
    as_it_is,
    flag,
    one_of,
    several,
    text,
    whole,
)

_UNIT_STATE = one_of("started", "stopped", "restarted", "reloaded")


def _unit(given: Parameters) -> Declaration:
    """Declare a unit, or none where only the unit files are to be read again."""
    declaration: Declaration = load("Systemd")(**{"name": (), **given})
    return declaration


_SYSTEMD = Module(
    {
        "name": text("service", "unit"),
        "state": _UNIT_STATE,
        "enabled": flag(),
        "masked": flag(),
        "daemon_reload": flag("daemon-reload"),
    },
    _unit,
)

SYSTEM = {
    "apt": Module(
        {
            "name": several("package", "pkg"),
            "state": one_of("present", "absent", "latest"),
            "update_cache": flag("update-cache"),
            "cache_valid_time": whole(),
            "purge": flag(),
            "autoremove": flag(),
            "lock_timeout": whole(),
            "default_release": text("default-release"),
            "install_recommends": flag("install-recommends"),
            "allow_downgrade": flag("allow-downgrade", "allow_downgrades", "allow-downgrades"),
        },
        as_it_is("Apt"),
    ),
    "systemd": _SYSTEMD,
    "systemd_service": _SYSTEMD,
    "service": Module(
        {"name": text(required=True), "state": _UNIT_STATE, "enabled": flag()}, _unit
    ),
    "setup": Module({}, as_it_is("Facts")),
}
