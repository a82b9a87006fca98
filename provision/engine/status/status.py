"""What runs where: each host's services as Docker has them, beside what is declared of them."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, replace
from typing import Any, Protocol

from provision.agent.resources.reboot_status import RebootStatus
from provision.agent.resources.releases import Releases
from provision.agent.resources.survey import Survey
from provision.engine.rollout.going_back import role_states, stack_directory
from provision.engine.run import Run
from provision.engine.status.training import Training, questions, training_of
from provision.engine.status.waiting import Waiting
from provision.errors import ExitCode, UsageError
from provision.stack.release import Release, release_of
from provision.stack.render import render_role
from provision.stack.roles import roles_of
from provision.stack.variables import templater_for
from provision.transport.channel import AgentChannel, Result
from provision.verify.container import Container

_GPU_FIELDS = "index,name,utilization.gpu,memory.used,memory.total,temperature.gpu"
_GPUS = (
    "command -v nvidia-smi >/dev/null || exit 0;"
    f" nvidia-smi --query-gpu={_GPU_FIELDS} --format=csv,noheader,nounits"
)
_MONITORING = "monitoring"


@dataclass(frozen=True)
class ServiceStatus:
    """A service of one host.

    Args:
        state: how its containers are: ``healthy``, ``2 healthy``, ``absent``, ….
        expected: the same, as it should be.
        restarts: by Docker, of all its containers, since they were made.
        uptime: seconds since the youngest of them started; None where none runs.
        drift: what a deploy would change: ``image``, ``configuration``, ``undeclared``.
        last_words: what the last health check of a container that is not well printed.

    """

    role: str
    name: str
    state: str
    expected: str
    image: str = ""
    restarts: int = 0
    uptime: float | None = None
    drift: tuple[str, ...] = ()
    last_words: str = ""

    @property
    def is_well(self) -> bool:
        """Whether it runs as it should."""
        return self.state == self.expected


@dataclass(frozen=True)
class Gpu:
    """What ``nvidia-smi`` says of one GPU; use in per cent, memory in MiB, degrees Celsius."""

    index: str
    name: str
    utilization: str
    memory_used: str
    memory_total: str
    temperature: str


@dataclass(frozen=True)
class HostStatus:
    """One host.

    Args:
        problem: why nothing, or not everything, is known of it.
        is_reachable: whether it answered.
        reboot: why it waits for a reboot, "" where it does not.

    """

    name: str
    roles: tuple[str, ...]
    services: tuple[ServiceStatus, ...] = ()
    gpus: tuple[Gpu, ...] = ()
    problem: str = ""
    is_reachable: bool = True
    reboot: str = ""

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
    releases = _releases(channel, variables, roles)
    urls = questions(_variables(run, name)) if _MONITORING in roles else {}
    survey = Survey(containers=True, commands=[_GPUS], urls=list(urls.values()))
    answer = channel.submit(survey, keep_going=True)
    reboot = channel.submit(RebootStatus(), keep_going=True)
    drifts = [
        channel.submit(release.running(), check=True, keep_going=True) for release in releases
    ]
    channel.flush()
    result = answer.result()
    if result.status != "ok":
        return HostStatus(name, roles, problem=result.message), None
    services = _services(releases, drifts, result.data) if "containers" in result.data else ()
    problem = result.data.get("containers_error", "")
    gpus, gpu_problem = _gpus(result.data["commands"][_GPUS])
    pending = _pending(reboot.result().data)
    host = HostStatus(name, roles, services, gpus, problem or gpu_problem, reboot=pending)
    return host, training_of(urls, result.data["urls"]) if urls else None


def _pending(answer: Mapping[str, Any]) -> str:
    begun: Mapping[str, str] = answer.get("checkpoint") or {}
    return str(answer.get("reason") or begun.get("reason", ""))


def _releases(
    channel: AgentChannel, variables: Mapping[str, Any], roles: Sequence[str]
) -> list[Release]:
    """Return what a deploy would run, each image with the digest that it has on the host now."""
    asked = channel.submit(Releases(stack=stack_directory(variables)), keep_going=True)
    channel.flush()
    states = role_states(asked.result().data)
    known = {role: state.images for role, state in states.items()}
    return [release_of(render_role(role, variables), known.get(role, {})) for role in roles]


def _services(
    releases: Sequence[Release], drifts: Sequence[Future[Result]], data: Mapping[str, Any]
) -> tuple[ServiceStatus, ...]:
    containers = [Container(entry) for entry in data["containers"]]
    mine = [it for it in containers if not it.is_one_off]
    rows: list[ServiceStatus] = []
    for release, drift in zip(releases, drifts, strict=True):
        project = release.project
        there = [it for it in mine if it.project == project.name]
        changes = drift.result().changes
        wishes = release.running().services
        for name in [*wishes, *sorted({it.service for it in there} - set(wishes))]:
            of_it = [it for it in there if it.service == name]
            row = _service(project.role, name, of_it, wishes.get(name), float(data["time"]))
            rows.append(_with_drift(row, name, changes))
    return tuple(rows)


def _service(
    role: str,
    name: str,
    containers: Sequence[Container],
    wish: Mapping[str, Any] | None,
    now: float,
) -> ServiceStatus:
    running = [it.started for it in containers if it.inspected["State"]["Running"]]
    state = _summary([it.condition for it in containers])
    ailing = [it.last_words for it in containers if it.condition not in ("healthy", "running")]
    return ServiceStatus(
        role=role,
        name=name,
        state=state,
        expected=state if wish is None else _expected(wish),
        image=containers[0].image if containers else str((wish or {}).get("image", "")),
        restarts=sum(it.restarts for it in containers),
        uptime=max(0.0, now - max(running)) if running else None,
        drift=("undeclared",) if wish is None else (),
        last_words=next(filter(None, ailing), ""),
    )


def _with_drift(
    row: ServiceStatus, name: str, changes: Mapping[str, tuple[Any, Any]]
) -> ServiceStatus:
    if row.state == "absent":
        return row
    kinds = [kind for kind in ("image", "configuration") if f"{name} {kind}" in changes]
    return replace(row, drift=(*row.drift, *kinds))


def _expected(wish: Mapping[str, Any]) -> str:
    good = "healthy" if wish["has_health"] else "running"
    good = "exited with 0" if wish["one_shot"] else good
    return _summary([good] * int(wish["replicas"]))


def _summary(conditions: Sequence[str]) -> str:
    """Return ``healthy``, ``2 healthy, exited with 1`` or ``absent``."""
    counts = {condition: conditions.count(condition) for condition in sorted(set(conditions))}
    parts = [name if number == 1 else f"{number} {name}" for name, number in counts.items()]
    return ", ".join(parts) or "absent"


def _gpus(answer: Mapping[str, Any]) -> tuple[tuple[Gpu, ...], str]:
    if answer["rc"] != 0:
        text = " ".join((answer["stdout"] + answer["stderr"]).split())
        return (), f"nvidia-smi: {text[:200]}"
    rows = [[cell.strip() for cell in row.split(",")] for row in answer["stdout"].splitlines()]
    return tuple(Gpu(*row) for row in rows if len(row) == len(_GPU_FIELDS.split(","))), ""
