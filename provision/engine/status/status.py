"""What runs where: each host's services as Docker has them, beside what is declared of them."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from provision.agent.lock_file import described
from provision.agent.resources.lock_holder import LockStatus
from provision.agent.resources.reboot_status import RebootStatus
from provision.agent.resources.releases import Releases
from provision.agent.resources.survey import Survey
from provision.engine.rollout.going_back import RoleState, role_states, stack_directory
from provision.engine.run import Run
from provision.engine.status.gpus import GPUS, Gpu, gpus_of
from provision.engine.status.services import ServiceStatus, services_of
from provision.engine.status.training import Training, questions, training_of
from provision.engine.status.waiting import Waiting
from provision.errors import ExitCode, UsageError
from provision.stack.release import Release, release_of
from provision.stack.render import render_role
from provision.stack.roles import roles_of
from provision.stack.variables import templater_for
from provision.transport.channel import AgentChannel

_MONITORING = "monitoring"


@dataclass(frozen=True)
class HostStatus:
    """One host.

    Args:
        problem: why nothing, or not everything, is known of it.
        is_reachable: whether it answered.
        reboot: why it waits for a reboot, "" where it does not.
        releases: role -> the id of its current release, for those that have one.
        at_work: which run is changing the host just now, "" where none is.
        cut_off: which run was broken off on it, with nobody having come since; "" where none was.

    """

    name: str
    roles: tuple[str, ...]
    services: tuple[ServiceStatus, ...] = ()
    gpus: tuple[Gpu, ...] = ()
    problem: str = ""
    is_reachable: bool = True
    reboot: str = ""
    releases: Mapping[str, str] = field(default_factory=dict)
    at_work: str = ""
    cut_off: str = ""

    @property
    def is_well(self) -> bool:
        """Whether all that is declared of it runs."""
        return not self.problem and all(service.is_well for service in self.services)


@dataclass(frozen=True)
class Status:
    """The whole cluster, hosts in the order of the inventory."""

    hosts: list[HostStatus]
    training: Training | None


class Printer(Protocol):
    """Shows what was found."""

    def progress(self, training: Training, seconds: float) -> None:
        """Show how the training goes, so many seconds after the first look."""

    def status(self, status: Status) -> None:
        """Show everything."""


def show_status(run: Run, names: Sequence[str], waiting: Waiting, printer: Printer) -> ExitCode:
    """Wait for what is to be waited for, then show what runs on each host.

    Args:
        run: reaches them.
        names: the hosts.
        waiting: its conditions may be none.
        printer: shows what was found.

    Raises:
        UsageError: there is something to wait for, but nobody to ask.

    """
    came = not waiting.conditions or waiting.until_it_holds(_watch(run, names), printer.progress)
    status = status_of(run, names)
    printer.status(status)
    if not all(host.is_reachable for host in status.hosts):
        return ExitCode.UNREACHABLE
    return ExitCode.OK if came and all(host.is_well for host in status.hosts) else ExitCode.FAILED


def status_of(run: Run, names: Sequence[str]) -> Status:
    """Ask every host once, all at the same time, and return what they say."""
    found: dict[str, HostStatus] = {}
    trainings: list[Training] = []
    lock = threading.Lock()

    def ask(name: str) -> None:
        host, training = _ask(run, name)
        with lock:
            found[name] = host
            trainings.extend([training] if training else [])

    run.fleet.run(names, ask)
    hosts = [found.get(name) or _lost(run, name) for name in names]
    return Status(hosts, trainings[0] if trainings else None)


def _lost(run: Run, name: str) -> HostStatus:
    roles = roles_of(run.inventory.hosts[name].groups)
    return HostStatus(name, roles, problem=run.fleet.lost[name].message, is_reachable=False)


def _watch(run: Run, names: Sequence[str]) -> Callable[[], Training]:
    """Return what asks a monitoring host how the training goes."""
    members = [name for name in names if _MONITORING in run.inventory.hosts[name].groups]
    if not members:
        raise UsageError(
            "there is no monitoring host to ask how the training goes",
            hint="put a host into the group `monitoring`, or leave --wait-for out",
        )
    urls = questions(_variables(run, members[0]))
    channel = run.fleet.link(members[0]).channel("root")

    def look() -> Training:
        answer = channel.submit(Survey(urls=list(urls.values())), keep_going=True)
        channel.flush()
        result = answer.result()
        if result.status != "ok":
            return Training(problem=result.message)
        return training_of(urls, result.data["urls"])

    return look


def _variables(run: Run, name: str) -> Mapping[str, Any]:
    return templater_for(run.host(name).variables, None).view()


def _ask(run: Run, name: str) -> tuple[HostStatus, Training | None]:
    """Ask one host everything in one flight: how its containers are, and how they differ."""
    roles = roles_of(run.inventory.hosts[name].groups)
    variables = run.host(name).variables
    channel = run.fleet.link(name).channel("root")
    states = _states(channel, variables)
    releases = [_declared(role, variables, states) for role in roles]
    urls = questions(_variables(run, name)) if _MONITORING in roles else {}
    survey = Survey(containers=True, commands=[GPUS], urls=list(urls.values()))
    answer = channel.submit(survey, keep_going=True)
    reboot = channel.submit(RebootStatus(), keep_going=True)
    lock = channel.submit(LockStatus(), keep_going=True)
    drifts = [
        channel.submit(release.running(), check=True, keep_going=True) for release in releases
    ]
    channel.flush()
    result = answer.result()
    if result.status != "ok":
        return HostStatus(name, roles, problem=result.message), None
    services = services_of(releases, drifts, result.data) if "containers" in result.data else ()
    problem = result.data.get("containers_error", "")
    gpus, gpu_problem = gpus_of(result.data["commands"][GPUS])
    at_work, cut_off = _locked(lock.result().data)
    host = HostStatus(
        name,
        roles,
        services,
        gpus,
        problem or gpu_problem,
        reboot=_pending(reboot.result().data),
        releases={role: state.current for role, state in states.items() if state.current},
        at_work=at_work,
        cut_off=cut_off,
    )
    return host, training_of(urls, result.data["urls"]) if urls else None


def _locked(answer: Mapping[str, Any]) -> tuple[str, str]:
    """Return which run has the host's lock, and which one was cut off with it."""
    record = answer.get("record")
    run = described(record) if record else ""
    return (run, "") if answer.get("held") else ("", run)


def _pending(answer: Mapping[str, Any]) -> str:
    begun: Mapping[str, str] = answer.get("checkpoint") or {}
    return str(answer.get("reason") or begun.get("reason", ""))


def _states(channel: AgentChannel, variables: Mapping[str, Any]) -> Mapping[str, RoleState]:
    asked = channel.submit(Releases(stack=stack_directory(variables)), keep_going=True)
    channel.flush()
    return role_states(asked.result().data)


def _declared(role: str, variables: Mapping[str, Any], states: Mapping[str, RoleState]) -> Release:
    """Return what a deploy would run, each image with the digest that it has on the host now."""
    known = states[role].images if role in states else {}
    return release_of(render_role(role, variables), known)
