"""What every host is, whatever its role: time, accounts, directories, log limits."""

from __future__ import annotations

from collections.abc import Mapping
from statistics import median

import pytest
from testinfra.host import Host

from provision.errors import ProvisionError
from provision.verify.demand import demand
from provision.verify.node import Clock, Node
from provision.verify.questions import Questions
from provision.verify.reading import UNITS, look_at, statuses, units

_BETWEEN_HOSTS = 1.0  # seconds; traces and sample ages are compared between hosts
_TO_HERE = 5.0  # seconds; certificates and tokens are not that exact

_CONTAINER = "systemd-detect-virt --container"
_TIME_SERVICES = ("chrony", "chronyd", "systemd-timesyncd", "ntpsec")
_ACCOUNT = "getent passwd generals"
_DIRECTORIES = {"/opt/generals": 0o755, "/var/lib/generals": 0o755, "/var/lib/provision": 0o700}
_JOURNAL = "cat /etc/systemd/journald.conf /etc/systemd/journald.conf.d/*.conf 2>/dev/null || true"
_UPGRADES = "apt-config dump Unattended-Upgrade::Package-Blacklist"
_NEVER_UPGRADED = ("docker", "containerd", "nvidia", "linux-image")


def questions(node: Node) -> Questions:
    """Return what is asked of every host."""
    status = look_at(_DIRECTORIES)
    return Questions(commands=(UNITS, _CONTAINER, _ACCOUNT, status, _JOURNAL, _UPGRADES))


def test_clocks_agree(node: Node, nodes: Mapping[str, Node]) -> None:
    """Its clock agrees with the other hosts' to a second."""
    own = node.clock
    clocks = [clock for other in nodes.values() if (clock := _clock_of(other)) is not None]
    if len(clocks) == 1:
        pytest.skip("there is no other host to compare with")
    middle = median((clock.least + clock.most) / 2 for clock in clocks)
    ahead = _beyond(own.least - middle, own.most - middle, _BETWEEN_HOSTS)
    demand(
        f"a clock within {_BETWEEN_HOSTS:g} s of the other hosts'",
        found=[f"{abs(ahead):.1f} s {_direction(ahead)}"] if ahead else [],
        todo="See `chronyc tracking` or `timedatectl`",
    )


def _clock_of(node: Node) -> Clock | None:
    """Return a host's clock, None where it did not answer: its own checks tell that."""
    try:
        return node.clock
    except ProvisionError:
        return None


def test_clock(node: Node) -> None:
    """Its clock agrees with this machine's to five seconds."""
    ahead = _beyond(node.clock.least, node.clock.most, _TO_HERE)
    demand(
        f"a clock within {_TO_HERE:g} s of this machine's",
        found=[f"{abs(ahead):.1f} s {_direction(ahead)}"] if ahead else [],
        todo="See `chronyc tracking` or `timedatectl`, there and here",
    )


def _beyond(least: float, most: float, limit: float) -> float:
    """Return how far a clock is ahead, by the kindest estimate, if that is too much; else 0."""
    if least > limit:
        return least
    return most if most < -limit else 0.0


def _direction(ahead: float) -> str:
    return "ahead" if ahead > 0 else "behind"


def test_time_service(host: Host) -> None:
    """A time service keeps its clock right."""
    if host.run(_CONTAINER).rc == 0:
        pytest.skip("a container has its machine's clock")
    found = units(host.run(UNITS).stdout)
    running = [name for name in _TIME_SERVICES if name in found and found[name].active == "active"]
    demand(
        f"one of {', '.join(_TIME_SERVICES)} active",
        found=[] if running else ["none of them"],
        todo="Deploy again: the base task installs chrony",
    )


def test_account(host: Host) -> None:
    """The account that owns the services' data exists and cannot log in."""
    fields = host.run(_ACCOUNT).stdout.strip().split(":")
    found = []
    if fields == [""]:
        found = ["no such account"]
    elif not fields[-1].endswith(("nologin", "false")):
        found = [f"the shell {fields[-1]}"]
    demand(
        "an account `generals` without a login shell",
        found=found,
        todo="Deploy again: the base task makes it",
    )


def test_directories(host: Host) -> None:
    """Its directories can be written by those alone who should."""
    found = statuses(host.run(look_at(_DIRECTORIES)).stdout)
    wrong = [
        f"{path} {f'{found[path].mode:04o}' if path in found else 'missing'}"
        for path, mode in _DIRECTORIES.items()
        if path not in found or found[path].mode != mode
    ]
    demand(
        ", ".join(f"{path} {mode:04o}" for path, mode in _DIRECTORIES.items()),
        found=wrong,
        todo="Deploy again: the base task sets them",
    )


def test_journal(host: Host) -> None:
    """The journal cannot fill the disk."""
    lines = [line.strip() for line in host.run(_JOURNAL).stdout.splitlines()]
    limits = [line for line in lines if line.startswith("SystemMaxUse=") and line[-1] != "="]
    demand(
        "SystemMaxUse= in journald's settings",
        found=[] if limits else ["no limit: the default is a tenth of the disk"],
        todo="Deploy again: the base task writes /etc/systemd/journald.conf.d/provision.conf",
    )


def test_unattended_upgrades(host: Host) -> None:
    """No unattended upgrade touches Docker, the driver or the kernel."""
    answer = host.run(_UPGRADES)
    if answer.rc != 0:
        pytest.skip("there is no apt")
    missing = [name for name in _NEVER_UPGRADED if f'"^{name}' not in answer.stdout]
    demand(
        f"{', '.join(_NEVER_UPGRADED)} in Unattended-Upgrade::Package-Blacklist",
        found=[f"{name} is not" for name in missing],
        todo="Deploy again: the base task writes /etc/apt/apt.conf.d/52provision-…",
    )
