"""A host as suites see it: what is declared of it, and what it answered."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from provision.agent.resources.survey import Survey
from provision.errors import TaskError, UnreachableError
from provision.stack.model import ComposeProject
from provision.stack.render import render_role
from provision.stack.roles import roles_of
from provision.stack.variables import templater_for
from provision.verify.container import Container
from provision.verify.questions import Questions
from provision.verify.target import Completed, Target

if TYPE_CHECKING:
    from testinfra.host import Host


@dataclass(frozen=True)
class Clock:
    """How far a host's clock is ahead of this machine's: somewhere between two values (seconds)."""

    least: float
    most: float


@dataclass(frozen=True)
class Answers:
    """What a host answered before the first check ran; see ``Survey``."""

    clock: Clock
    data: Mapping[str, Any]


class Node:
    """One host, in the fixture ``node``; its testinfra ``Host`` is in the fixture ``host``.

    Attributes:
        lost: why it cannot be asked any more.

    """

    def __init__(self, target: Target) -> None:
        self.name = target.name
        self.groups = target.groups
        self.lost: UnreachableError | None = None
        self._target = target
        self._answers: Future[Answers] | None = None

    # -- what is declared -------------------------------------------------------------------

    @cached_property
    def variables(self) -> Mapping[str, Any]:
        """The host's variables over the defaults of the stack's templates."""
        return templater_for(self._target.variables, None).view()

    @property
    def gpu_count(self) -> int:
        """How many GPUs the inventory gives it."""
        return int(self.variables["gpu_count"])

    @property
    def roles(self) -> tuple[str, ...]:
        """The roles that run on it."""
        return roles_of(self.groups)

    @cached_property
    def projects(self) -> Mapping[str, ComposeProject]:
        """Role -> its rendered Compose project."""
        return {role: render_role(role, self._target.variables) for role in self.roles}

    @property
    def services(self) -> list[Service]:
        """Every service that is declared for it."""
        return [
            Service(project, name, spec)
            for project in self.projects.values()
            for name, spec in project.services.items()
        ]

    # -- what it answered -------------------------------------------------------------------

    @cached_property
    def host(self) -> Host:
        """The testinfra host."""
        import testinfra.host

        from provision.verify.backend import ProvisionBackend

        backend = ProvisionBackend(self.name, self._execute)
        host = testinfra.host.Host(backend)
        backend.set_host(host)
        return host

    def begin(self, pool: ThreadPoolExecutor, gather: Callable[[Node], Questions]) -> None:
        """Ask it in the background what ``gather`` says."""
        self._answers = pool.submit(self._survey, gather)

    def _survey(self, gather: Callable[[Node], Questions]) -> Answers:
        before = time.time()
        host_time = float(self.ask(Survey())["time"])
        clock = Clock(host_time - time.time(), host_time - before)
        return Answers(clock, self.ask(gather(self).survey()))

    def ask(self, query: Survey) -> Mapping[str, Any]:
        """Ask the host something now."""
        return self._target.ask(query)

    @property
    def answers(self) -> Answers:
        """What it was asked before the checks; waits for it."""
        if self._answers is None:
            raise TaskError(f"host {self.name} was not asked anything before the checks")
        return self._answers.result()

    @property
    def clock(self) -> Clock:
        """How its clock compares with this machine's."""
        return self.answers.clock

    @property
    def asked_at(self) -> float:
        """When it answered, in Unix seconds of its own clock."""
        return float(self.answers.data["time"])

    @cached_property
    def containers(self) -> tuple[Container, ...]:
        """All its containers, stopped ones too, without those of ``docker compose run``."""
        data = self.answers.data
        if "containers" not in data:
            raise TaskError(
                f"host {self.name}: {data.get('containers_error', 'containers were not asked for')}"
            )
        found = (Container(entry) for entry in data["containers"])
        return tuple(container for container in found if not container.is_one_off)

    def containers_of(self, service: Service) -> list[Container]:
        """Return the containers of a declared service."""
        key = (service.project.name, service.name)
        return [it for it in self.containers if (it.project, it.service) == key]

    def health(self, place: str) -> str:
        """Return the gRPC health that it saw at ``place``, or what happened instead."""
        return str(self.answers.data["grpc"][place])

    def page(self, url: str) -> Mapping[str, Any]:
        """Return ``status`` and ``body`` of a URL that it was asked to GET, or ``error``."""
        page: Mapping[str, Any] = self.answers.data["urls"][url]
        return page

    def _execute(self, command: str) -> Completed:
        """Run a command, unless the host was asked exactly that already."""
        known = self.answers.data["commands"].get(command) if self._answers is not None else None
        return self._target.execute(command) if known is None else Completed(**known)


@dataclass(frozen=True)
class Service:
    """A declared service of one host."""

    project: ComposeProject
    name: str
    spec: Mapping[str, Any]

    def allows(self, rule: str) -> bool:
        """Tell whether its template gives a reason for breaking a rule (``x-allow``)."""
        return rule in (self.spec.get("x-allow") or {})

    @property
    def published(self) -> set[tuple[str, int]]:
        """The host's addresses and ports that it is to be reached at."""
        return {
            (str(port.get("host_ip") or "0.0.0.0"), int(port["published"]))  # noqa: S104
            for port in self.spec.get("ports") or ()
            if isinstance(port, dict) and port.get("published")
        }
