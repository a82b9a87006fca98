"""Modules for packages, services, waiting and facts."""

from __future__ import annotations

from provision.agent.declaration import Declaration
from provision.agent.resources import load
from provision.errors import UsageError
from provision.playbook.modules.modes import with_mode
from provision.playbook.modules.module import (
    PRESENT_OR_ABSENT,
    Module,
    Parameters,
    anything,
    as_it_is,
    flag,
    one_of,
    path,
    several,
    text,
    whole,
)

_UNIT_STATE = one_of("started", "stopped", "restarted", "reloaded")


def _unit(given: Parameters) -> Declaration:
    """Declare a unit, or none where only the unit files are to be read again."""
    declaration: Declaration = load("Systemd")(**{"name": (), **given})
    return declaration


def _wait_for(given: Parameters) -> Declaration:
    """Declare what to wait for; without a port or path Ansible would only sleep."""
    if ("port" in given) == ("path" in given):
        raise UsageError("`wait_for` needs one of the parameters 'port' and 'path'")
    fields = {_WAIT_NAMES.get(name, name): value for name, value in given.items()}
    if "state" in fields:
        fields["state"] = _WAIT_STATES[fields["state"]]
    declaration: Declaration = load("WaitFor")(**fields)
    return declaration


def _apt_source(given: Parameters) -> Declaration:
    declaration: Declaration = load("AptSource")(**with_mode(given))
    return declaration


def _dnf(given: Parameters) -> Declaration:
    fields = {_DNF_NAMES.get(name, name): value for name, value in given.items()}
    if "state" in fields:
        fields["state"] = _DNF_STATES[fields["state"]]
    declaration: Declaration = load("Dnf")(**fields)
    return declaration


_DNF_NAMES = {"install_weak_deps": "install_recommends"}
_DNF_STATES = {
    "present": "present",
    "installed": "present",
    "absent": "absent",
    "removed": "absent",
    "latest": "latest",
}
_WAIT_NAMES = {"sleep": "interval", "connect_timeout": "attempt_timeout"}
_WAIT_STATES = {
    "started": "present",
    "present": "present",
    "stopped": "absent",
    "absent": "absent",
}

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
    "apt_repository": Module(
        {
            "repo": text(required=True),
            "state": PRESENT_OR_ABSENT,
            "filename": text(),
            "mode": anything(),
            "update_cache": flag("update-cache"),
        },
        _apt_source,
    ),
    "dnf": Module(
        {
            "name": several("pkg"),
            "state": one_of(*_DNF_STATES),
            "update_cache": flag("expire-cache"),
            "autoremove": flag(),
            "install_weak_deps": flag(),
            "allow_downgrade": flag(),
        },
        _dnf,
    ),
    "package": Module(
        {
            "name": anything(required=True),
            "state": one_of("present", "absent", "latest", required=True),
        },
        as_it_is("Package"),
    ),
    "systemd": _SYSTEMD,
    "systemd_service": _SYSTEMD,
    "service": Module(
        {"name": text(required=True), "state": _UNIT_STATE, "enabled": flag()}, _unit
    ),
    "wait_for": Module(
        {
            "host": text(),
            "port": whole(),
            "path": path(),
            "state": one_of(*_WAIT_STATES),
            "timeout": whole(),
            "connect_timeout": whole(),
            "delay": whole(),
            "sleep": whole(),
        },
        _wait_for,
    ),
    "ping": Module({}, lambda given: load("Execute")(command="exit 0")),
    "setup": Module({}, as_it_is("Facts")),
}
