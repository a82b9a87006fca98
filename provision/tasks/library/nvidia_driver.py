"""The NVIDIA driver."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Literal

from provision.agent.resources.driver_status import DriverStatus
from provision.tasks.gpus import gpus_of
from provision.tasks.host import Host
from provision.tasks.nvidia import carrying_out
from provision.tasks.nvidia.decision import Decision
from provision.tasks.nvidia.distribution import NVIDIA, distribution
from provision.tasks.nvidia.host_machine import machine_of, with_available, with_version
from provision.tasks.nvidia.machine import Machine, Wanted
from provision.tasks.nvidia.repositories import found, has_packages, newest, versions_of
from provision.tasks.nvidia.resolver import PERSISTENCED, resolve
from provision.tasks.task import task
from provision.transport.result import Result


@task
def nvidia_driver(
    host: Host,
    *,
    branch: int = 0,
    version: str = "",
    flavour: Literal["auto", "open", "proprietary"] = "auto",
    source: Literal["auto", "nvidia", "distro"] = "auto",
    repository: str = NVIDIA,
    key_fingerprint: str = "",
) -> None:
    """Give the host the driver that fits its GPUs, its system and the kernel of its next boot.

    A driver that is there and fits is kept, whoever installed it. A host without an NVIDIA GPU is
    left as it is. Where a reboot has to load the driver, ``pending_reboot`` finds that out.

    Args:
        branch: of the driver, such as 580; 0 for what fits.
        version: one exact version, such as ``580.95.05``; by default the newest of the branch when
            it is installed, and then that one.
        flavour: of the kernel modules; by default what drives the GPUs best.
        source: NVIDIA's repository, or the distribution's own archive.
        repository: NVIDIA's for all distributions, or a mirror of it.
        key_fingerprint: of the key that signs it; empty means NVIDIA's for the distribution.

    """
    if not gpus_of(host.facts):
        return
    wanted = Wanted(branch=branch or None, version=version, flavour=flavour, source=source)
    status = host.ask(DriverStatus(), name="what is there")
    machine = _with_headers(host, machine_of(host.facts, status, wanted))
    decision = resolve(machine)
    if decision.verdict == "refuse":
        _refuse(host, decision)
        return
    family = "debian" if host.facts["ansible_os_family"] == "Debian" else "redhat"
    if decision.repository is not None:
        mirror = decision.repository.mirrored(repository, key_fingerprint)
        decision = replace(decision, repository=mirror)
    carrying_out.add_repository(host, decision, family)
    decision = _at_one_version(host, machine, decision, family)
    _tell(host, machine, decision)
    _carry_out(host, decision, status, family)


def _with_headers(host: Host, machine: Machine) -> Machine:
    """Ask for the headers that would have to be installed, where that can be known already."""
    decision = resolve(machine)
    if not decision.headers:
        return machine
    system = distribution(machine.os)
    known = machine.kernels
    kernels = [it for it in dict.fromkeys((known.next, known.running)) if it not in known.headers]
    names = [system.headers(kernel)[0] for kernel in kernels]
    answers = found(host.ask(has_packages(system.family, names), name="kernel headers"))
    if answers is None:
        return machine
    available = [kernel for kernel, there in zip(kernels, answers, strict=True) if there]
    return with_available(machine, available)


def _at_one_version(host: Host, machine: Machine, decision: Decision, family: str) -> Decision:
    """Return the decision with the newest version that there is in the place of a pattern.

    A plan that has not added the repository yet keeps the pattern.
    """
    if decision.verdict != "install" or machine.wanted.version:
        return decision
    first = decision.packages[0].partition("=")[0]
    answer = host.ask(versions_of(family, first), name="versions")
    exact = newest(answer, decision.version)
    return resolve(with_version(machine, exact)) if exact else decision


def _carry_out(host: Host, decision: Decision, status: Mapping[str, Any], family: str) -> None:
    if decision.blacklist:
        carrying_out.keep_nouveau_out(host, decision.blacklist)
    if decision.verdict == "install":
        there = status["driver"]["packages"]
        carrying_out.release(host, [it for it in there if it not in decision.holds], family)
    carrying_out.install(host, decision, family)
    carrying_out.build(host, decision.build)
    carrying_out.hold(host, _held(host, decision), family)
    carrying_out.load(host, decision.load, at_boot=True)
    services = _services(host, decision, status["persistenced"])
    if decision.reboot:
        carrying_out.ask_for_reboot(host, services, decision.reboot)
        return
    if not status["driver"]["loaded"]:
        carrying_out.load(host, ["nvidia", "nvidia-uvm"])  # CUDA needs the second one
    carrying_out.start(host, services)


def _held(host: Host, decision: Decision) -> list[str]:
    """Return all packages of the driver, those that came as dependencies among them."""
    if host.check or not decision.packages:
        chosen = {package.partition("=")[0] for package in decision.packages}
        return [name for name in decision.holds if name not in chosen]  # those are held already
    status = host.ask(DriverStatus(), name="what has come")
    return sorted({*decision.holds, *status["driver"]["packages"]})


def _services(host: Host, decision: Decision, persistenced: str) -> list[str]:
    """Return the units to be started; a driver that is kept may lack the daemon."""
    if decision.verdict == "install" or persistenced == "unit":
        return list(decision.services)
    if persistenced == "program":
        carrying_out.provide_persistenced(host)
        return list(decision.services)
    return [name for name in decision.services if name != PERSISTENCED]


def _refuse(host: Host, decision: Decision) -> None:
    for refusal in decision.refusals:
        host.note(
            "driver",
            Result(
                "failed",
                message=refusal.problem,
                expected=refusal.expected,
                found=refusal.found,
                hint=refusal.next,
            ),
        )


def _tell(host: Host, machine: Machine, decision: Decision) -> None:
    """Say what is done and why, before it takes minutes."""
    because = "; ".join(decision.because)
    if decision.verdict == "keep":
        host.note("decision", Result("ok", message=because))
        return
    message = f"{machine.driver.version or 'none'} -> {decision.version} ({because})"
    if decision.reboot:
        message += f"; reboot needed: {'; '.join(decision.reboot)}"
    host.note("decision", Result("changed", message=message), planned=host.check)
