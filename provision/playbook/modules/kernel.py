"""Modules for the kernel, file systems and the host's own settings."""

from __future__ import annotations

from provision.agent.declaration import Declaration
from provision.agent.resources import load
from provision.errors import UsageError
from provision.playbook.modules.module import (
    PRESENT_OR_ABSENT,
    Module,
    Parameters,
    as_it_is,
    flag,
    one_of,
    path,
    text,
)


def _sysctl(given: Parameters) -> Declaration:
    """Declare a kernel parameter, in Ansible's default file; ``sysctl_set`` sets it now, too."""
    fields = {"sysctl_file": "/etc/sysctl.conf", **given}
    at_once = fields.pop("sysctl_set", False)
    fields["reload"] = fields.get("reload", True) or at_once
    if fields.get("state", "present") == "present" and "value" not in fields:
        raise UsageError("`sysctl` needs the parameter 'value'")
    declaration: Declaration = load("Sysctl")(**fields)
    return declaration


def _modprobe(given: Parameters) -> Declaration:
    """Declare a kernel module; ours is loaded at boot if it is to be loaded at all."""
    fields = dict(given)
    state, persistent = fields.get("state", "present"), fields.pop("persistent", "disabled")
    if persistent not in ("disabled", state):
        raise UsageError(f"`modprobe` cannot make it {state} now and {persistent} at boot")
    declaration: Declaration = load("Modprobe")(**fields, persistent=persistent == state)
    return declaration


def _mount(given: Parameters) -> Declaration:
    for name in ("src", "fstype"):
        if given["state"] in ("mounted", "present") and name not in given:
            raise UsageError(f"`mount` with `state: {given['state']}` needs the parameter {name!r}")
    declaration: Declaration = load("Mount")(**given)
    return declaration


def _cron(given: Parameters) -> Declaration:
    fields = dict(given)
    if fields.get("special_time") == "annually":
        fields["special_time"] = "yearly"
    if fields.get("state", "present") == "present" and "job" not in fields:
        raise UsageError("`cron` needs the parameter 'job'")
    declaration: Declaration = load("Cron")(**fields)
    return declaration


KERNEL = {
    "sysctl": Module(
        {
            "name": text("key", required=True),
            "value": text("val"),
            "state": PRESENT_OR_ABSENT,
            "sysctl_file": path(),
            "sysctl_set": flag(),
            "reload": flag(),
        },
        _sysctl,
    ),
    "modprobe": Module(
        {
            "name": text(required=True),
            "state": PRESENT_OR_ABSENT,
            "params": text(),
            "persistent": one_of("disabled", "absent", "present"),
        },
        _modprobe,
    ),
    "mount": Module(
        {
            "path": path("name", required=True),
            "src": path(),
            "fstype": text(),
            "opts": text(),
            "dump": text(),
            "passno": text(),
            "state": one_of("mounted", "present", "unmounted", "absent", required=True),
            "fstab": path(),
        },
        _mount,
    ),
    "cron": Module(
        {
            "name": text(required=True),
            "job": text("value"),
            "minute": text(),
            "hour": text(),
            "day": text("dom"),
            "month": text(),
            "weekday": text("dow"),
            "special_time": one_of(
                "annually", "daily", "hourly", "monthly", "reboot", "weekly", "yearly"
            ),
            "disabled": flag(),
            "user": text(),
            "cron_file": path(),
            "state": PRESENT_OR_ABSENT,
        },
        _cron,
    ),
    "hostname": Module({"name": text(required=True)}, as_it_is("Hostname")),
    "timezone": Module({"name": text(required=True)}, as_it_is("Timezone")),
}
