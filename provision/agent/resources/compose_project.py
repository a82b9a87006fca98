"""A Compose project that runs as declared."""

from __future__ import annotations

import time
from typing import Any, Dict, List, Mapping, Optional, Tuple

from provision.agent.compose import Container, Expected, containers, summary, wish
from provision.agent.compose_failure import (
    compose_failed,
    described,
    not_well,
    restarts,
    verdict,
)
from provision.agent.docker_api import Docker
from provision.agent.failure import Cancelled, Failure
from provision.agent.resource import Data, Difference, Resource, State
from provision.agent.system import System

_POLL = 0.5  # seconds
_SETTLING = 2.0  # seconds; Docker restarts what crashes at once after 0.1, 0.2, 0.4, … s
_ORPHANS = "orphans"


class ComposeProject(Resource):
    """Services of one Compose file, running, healthy, and of the configuration that is declared.

    Every service of the file carries the label ``io.provision.spec`` with a hash of its part of the
    model; comparing it with the containers' labels finds every change in one request.

    Should the connection be lost before all is well, the host goes back to ``fallback`` by itself;
    where there is none, it stops what is not well, and keeps its logs.

    Args:
        project: Compose's project name.
        file: absolute path of the Compose file on the host; it and all that it mounts are there
            before (``Copy``), and all images (``DockerImage``).
        services: for every service ``spec`` (that hash), ``replicas`` (1), ``image``,
            ``has_health`` (false) and ``one_shot`` (false: it runs once and exits with 0).
        health_timeout: seconds for everything to be running, and healthy where it has a health
            check, after Compose has started it.
        up_timeout: seconds for ``docker compose up``, which waits for dependencies to be healthy.
        fallback: the Compose file of what ran before, which may not be there.

    """

    given_up_when_alone = True

    project: str
    file: str
    services: Dict[str, Dict[str, Any]]
    health_timeout: float = 120
    up_timeout: float = 900
    fallback: str = ""

    def expected(self, system: System) -> State:
        """Return how many containers of each service should be how, and their configuration."""
        state: State = {_ORPHANS: []}
        for name, service in self._services().items():
            state[name] = wish(service)
            state[name + " image"] = service.image
            state[name + " configuration"] = service.spec
        return state

    def actual(self, system: System) -> State:
        """Return the same of what runs."""
        there = _by_service(containers(Docker(system), self.project))
        services = self._services()
        state: State = {_ORPHANS: sorted(set(there) - set(services))}
        for name, service in services.items():
            image, spec = _configuration(service, there.get(name, []))
            state[name] = summary(there.get(name, []))
            state[name + " image"] = image
            state[name + " configuration"] = spec
        return state

    def fix(self, system: System, difference: Difference) -> Data:
        """Start what differs and wait until all of it is well; returns the ``recreated`` services.

        Raises:
            Failure: with what the failing container wrote last.

        """
        docker = Docker(system)
        before = containers(docker, self.project)
        try:
            woken = self._wake(docker, before)
            self._up(system, docker)
            self._wait(system, docker, woken)
        except (Failure, Cancelled):
            system.at_loss.append(lambda: self._fall_back(system))
            raise
        kept = {container.id for container in before}
        after = containers(docker, self.project)
        return {"recreated": sorted({it.service for it in after if it.id not in kept})}

    def _services(self) -> Dict[str, Expected]:
        return {name: Expected(**fields) for name, fields in self.services.items()}

    def _wake(self, docker: Docker, before: List[Container]) -> List[str]:
        """Help what Compose would leave as it is; returns the containers' ids.

        It takes neither a paused nor an unhealthy container for a reason to act.
        """
        woken = []
        for container in before:
            if container.state == "paused":
                docker.post("/containers/{}/unpause".format(container.id))
            elif container.condition == "unhealthy" and container.service in self.services:
                docker.post("/containers/{}/restart".format(container.id))
            else:
                continue
            woken.append(container.id)
        return woken

    def _command(self, file: str) -> List[str]:
        argv = ["docker", "compose", "--ansi", "never", "-p", self.project, "-f", file, "up"]
        return [*argv, "--detach", "--no-build", "--pull", "never", "--remove-orphans"]

    def _fall_back(self, system: System) -> None:
        if system.exists(self.fallback):
            system.run(self._command(system.resolve(self.fallback)), timeout=self.up_timeout)
        elif self.fallback:  # a first deploy
            system.run(["docker", "compose", "--ansi", "never", "-p", self.project, "stop"])

    def _up(self, system: System, docker: Docker) -> None:
        argv = self._command(self.file)
        done = system.run(argv, timeout=self.up_timeout, live=True, interruptible=True)
        if done.returncode != 0:
            found = containers(docker, self.project)
            raise compose_failed(docker, self.project, found, self._services(), done.stderr)

    def _wait(self, system: System, docker: Docker, woken: List[str]) -> None:
        services = self._services()
        deadline = time.monotonic() + self.health_timeout
        said = None
        while True:
            there = _by_service(containers(docker, self.project))
            well = sum(summary(there.get(name, [])) == wish(it) for name, it in services.items())
            if well == len(services):
                return self._settle(system, docker, there)
            is_late = time.monotonic() > deadline
            failure = self._failure(docker, there, woken, is_late=is_late)
            if failure is not None:
                raise failure
            if well != said:
                system.emitter.progress("services well", well, len(services), "services")
                said = well
            if system.is_cancelled():
                raise Cancelled
            time.sleep(_POLL)

    def _settle(self, system: System, docker: Docker, there: Mapping[str, List[Container]]) -> None:
        """Look twice at what has no health check: a crash loop mostly looks like running."""
        services = self._services()
        watched = [
            it for name in services for it in there[name] if services[name].good == "running"
        ]
        counts = {it.id: restarts(docker, it) for it in watched}
        if counts:
            time.sleep(_SETTLING)
        for container in watched:
            if restarts(docker, container) != counts[container.id]:
                service = services[container.service]
                found = described(docker, container)
                raise not_well(docker, self.project, container, service, found)

    def _failure(
        self,
        docker: Docker,
        there: Mapping[str, List[Container]],
        woken: List[str],
        *,
        is_late: bool,
    ) -> Optional[Failure]:
        """Return why the project will not become well any more, None while it still may."""
        for name, service in self._services().items():
            for container in there.get(name, []):
                if container.id in woken and not is_late:
                    continue  # its last health checks failed because it was asleep
                found = verdict(docker, container, service, is_late=is_late)
                if found is not None:
                    return not_well(docker, self.project, container, service, found)
            if is_late and summary(there.get(name, [])) != wish(service):
                return Failure(
                    "{}: {} did not come up".format(self.project, name),
                    expected=wish(service),
                    found=summary(there.get(name, [])),
                    hint="docker compose -p {} ps --all".format(self.project),
                )
        return None


def _configuration(service: Expected, found: List[Container]) -> Tuple[str, str]:
    """Return the image and the hash of a service's containers, as far as they differ.

    The hash covers the image: where that is another one, the hash would say nothing more.
    """
    others = [it for it in found if it.spec != service.spec]
    image = next((it.image for it in others if it.image != service.image), service.image)
    is_image = not others or (service.image and image != service.image)
    return (image if service.image else ""), (service.spec if is_image else others[0].spec)


def _by_service(found: List[Container]) -> Dict[str, List[Container]]:
    services: Dict[str, List[Container]] = {}
    for container in found:
        services.setdefault(container.service, []).append(container)
    return services
