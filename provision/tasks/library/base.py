"""What every host is, whatever its role."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from provision.agent.resources.apt import Apt
from provision.agent.resources.copy import Copy
from provision.agent.resources.directory import Directory
from provision.agent.resources.group import Group
from provision.agent.resources.package import Package
from provision.agent.resources.sysctl import Sysctl
from provision.agent.resources.systemd import Systemd
from provision.agent.resources.user import User
from provision.tasks.host import Host
from provision.tasks.task import task

_STACK_USER = "generals"  # owns the data that containers write; see `service_user` of the templates
_STACK_ID = "10001"

# Upgrades of these restart every container, or break the driver that a running job has loaded.
_NEVER_UPGRADED_UNATTENDED = (
    "docker",
    "containerd",
    "runc",
    "nvidia",
    "libnvidia",
    "cuda",
    "linux-image",
    "linux-headers",
)


@task
def base(
    host: Host,
    *,
    packages: Sequence[str] = ("ca-certificates", "curl", "logrotate"),
    timezone: str = "Etc/UTC",
    journal_max_size: str = "1G",
    admins: Sequence[str] = (),
    sysctls: Mapping[str, Any] | None = None,
) -> None:
    """Time, accounts, directories, log limits and the policy for unattended upgrades.

    Args:
        packages: what else every host has.
        timezone: of logs and schedules; services run on UTC all the same.
        journal_max_size: of systemd's journal, so that logs cannot fill the disk.
        admins: existing or new users who may use sudo.
        sysctls: kernel settings that last; values as in ``/etc/sysctl.d``.

    """
    host.apply(_packages(host, packages))
    _time(host, timezone)
    _accounts(host, admins)
    _directories(host)
    _log_limits(host, journal_max_size)
    if host.facts["ansible_pkg_mgr"] == "apt":
        _unattended_upgrades(host)
    for name, value in (sysctls or {}).items():
        host.apply(Sysctl(name=name, value=str(value)))


def _packages(host: Host, packages: Sequence[str]) -> Apt | Package:
    if host.facts["ansible_pkg_mgr"] == "apt":
        return Apt(name=[*packages, "tzdata"], update_cache=True, cache_valid_time=86400)
    return Package(name=[*packages, "tzdata"])


def _time(host: Host, timezone: str) -> None:
    """Clocks must agree: certificates, traces and sample ages are compared between hosts."""
    from provision.agent.resources.timezone import Timezone

    host.apply(Timezone(name=timezone))
    if host.facts["ansible_virtualization_type"] in {"container", "docker", "lxc", "podman"}:
        return  # its clock is the machine's
    service = "chronyd" if host.facts["ansible_os_family"] == "RedHat" else "chrony"
    host.apply(Package(name=["chrony"]))
    host.apply(Systemd(name=service, enabled=True, state="started"))


def _accounts(host: Host, admins: Sequence[str]) -> None:
    host.apply(Group(name=_STACK_USER, gid=int(_STACK_ID), system=True))
    host.apply(
        User(
            name=_STACK_USER,
            uid=int(_STACK_ID),
            group=_STACK_USER,
            system=True,
            shell="/usr/sbin/nologin",
            home="/var/lib/generals",
            create_home=False,
        )
    )
    group = "wheel" if host.facts["ansible_os_family"] == "RedHat" else "sudo"
    for admin in admins:
        host.apply(User(name=admin, groups=[group], append=True, shell="/bin/bash"))


def _directories(host: Host) -> None:
    host.apply(Directory(path="/opt/generals", owner="root", group="root", mode=0o755))
    host.apply(
        Directory(path="/var/lib/generals", owner=_STACK_USER, group=_STACK_USER, mode=0o755)
    )
    host.apply(Directory(path="/var/lib/provision", owner="root", group="root", mode=0o700))


def _log_limits(host: Host, journal_max_size: str) -> None:
    host.on_change("restart journald", Systemd(name="systemd-journald", state="restarted"))
    host.apply(Directory(path="/etc/systemd/journald.conf.d", mode=0o755))
    host.apply(
        Copy(
            dest="/etc/systemd/journald.conf.d/provision.conf",
            content=f"[Journal]\nSystemMaxUse={journal_max_size}\n",
            mode=0o644,
        ),
        notify="restart journald",
    )


def _unattended_upgrades(host: Host) -> None:
    patterns = "".join(f'  "^{name}";\n' for name in _NEVER_UPGRADED_UNATTENDED)
    host.apply(
        Copy(
            dest="/etc/apt/apt.conf.d/52provision-unattended-upgrades",
            content="// Written by provision: a deploy upgrades these, one batch at a time.\n"
            f"Unattended-Upgrade::Package-Blacklist {{\n{patterns}}};\n"
            'Unattended-Upgrade::Automatic-Reboot "false";\n',
            mode=0o644,
        )
    )
