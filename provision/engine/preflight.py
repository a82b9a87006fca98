"""What must be true before anything is changed: every problem of every host, in one report."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from provision.engine.describing import versions
from provision.engine.events import HostDescribed
from provision.engine.ports import taken_ports
from provision.engine.rollout.images import look_up
from provision.stack.model import ComposeProject
from provision.tasks.host import Host
from provision.transport.result import Result

if TYPE_CHECKING:
    from provision.engine.run import Run

_MIN_DISK = 5 * 2**30  # bytes for images and releases, below which a pull is sure to fill the disk
_MIN_MEMORY_MB = 256
_MAX_CLOCK_SKEW = 30.0  # seconds; TLS and the ages of samples go wrong beyond
_FAMILIES = {"Debian", "RedHat"}


class Problem(NamedTuple):
    """Why a host is not fit, and what to do about it."""

    message: str
    hint: str


class Answers(NamedTuple):
    """A host's facts, this machine's clock when they came (Unix seconds), and declared GPUs."""

    facts: Mapping[str, Any]
    received: float
    gpu_count: int


def preflight(run: Run, projects: Mapping[str, tuple[ComposeProject, ...]]) -> None:
    """Look at every host of ``projects``; report the unfit ones as failed, all problems of each.

    Args:
        run: reaches the hosts, and is told which of them have failed.
        projects: what each host is to run.

    """
    lock = threading.Lock()
    with_docker: list[str] = []

    def look(name: str) -> None:
        host = run.host(name)
        answers = Answers(host.facts, time.time(), int(host.variables.get("gpu_count", 0)))
        run.tell(HostDescribed(host=name, versions=versions(answers.facts)))
        problems = [problem for check in _CHECKS for problem in check(answers, projects[name])]
        if problems:
            with lock:
                _report(run, host, problems)
        elif answers.facts["provision_docker"]["version"] is not None:
            with_docker.append(name)

    run.fleet.run(projects, look)
    if with_docker:  # else images are looked up when Docker is there, and before anything starts
        first = min(with_docker, key=list(projects).index)
        run.fleet.run([first], lambda name: look_up(run, projects, name))


def _report(run: Run, host: Host, problems: list[Problem]) -> None:
    for problem in problems:
        host.note("preflight", Result("failed", message=problem.message, hint=problem.hint))
    run.failed[host.name] = problems[0].message


Check = Callable[[Answers, tuple[ComposeProject, ...]], Iterator[Problem]]


def _system(answers: Answers, _: tuple[ComposeProject, ...]) -> Iterator[Problem]:
    family, manager = answers.facts["ansible_os_family"], answers.facts["ansible_service_mgr"]
    if family not in _FAMILIES:
        yield Problem(
            f"{answers.facts['ansible_distribution']} is not supported",
            "use Debian 12 or newer, Ubuntu 22.04 or newer, Amazon Linux 2023 or RHEL 9",
        )
    if manager != "systemd":
        yield Problem(f"its init system is {manager}, not systemd", "boot it with systemd")


def _disk(answers: Answers, _: tuple[ComposeProject, ...]) -> Iterator[Problem]:
    for path, disk in answers.facts["provision_disks"].items():
        if disk["available"] < _MIN_DISK:
            yield Problem(
                f"{path} has {disk['available'] / 2**30:.1f} GiB left,"
                f" {_MIN_DISK / 2**30:.0f} are needed",
                f"free some space there (docker system df; du -x {path})",
            )


def _memory(answers: Answers, _: tuple[ComposeProject, ...]) -> Iterator[Problem]:
    available = answers.facts["provision_memory_available_mb"]
    if available < _MIN_MEMORY_MB:
        yield Problem(f"only {available} MiB of memory are available", "stop what uses it")


def _clock(answers: Answers, _: tuple[ComposeProject, ...]) -> Iterator[Problem]:
    skew = answers.facts["provision_clock"]["epoch"] - answers.received
    if abs(skew) > _MAX_CLOCK_SKEW:
        yield Problem(
            f"its clock is {abs(skew):.0f} s {'ahead' if skew > 0 else 'behind'}",
            "start time synchronisation (chrony) on the host, or correct this machine's clock",
        )


def _gpus(answers: Answers, _: tuple[ComposeProject, ...]) -> Iterator[Problem]:
    """PCI class 0x03 is a display controller; 0x0680 would be an NVSwitch."""
    devices = answers.facts["provision_nvidia"]["devices"]
    found = sum(device["class"].startswith("0x03") for device in devices)
    if found < answers.gpu_count:
        yield Problem(
            f"gpu_count is {answers.gpu_count}, but there are {found} NVIDIA GPUs on its PCI bus",
            "correct gpu_count in the inventory, or look at the machine (lspci -d 10de:)",
        )


def _ports(answers: Answers, projects: tuple[ComposeProject, ...]) -> Iterator[Problem]:
    for project, number, holder in taken_ports(answers.facts, projects):
        yield Problem(
            f"port {number} of {project.role} is taken by {holder.name}",
            f"stop it ({holder.stop}), or give the role another port",
        )


_CHECKS: tuple[Check, ...] = (_system, _disk, _memory, _clock, _gpus, _ports)
