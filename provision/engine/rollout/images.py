"""The images of a deploy: resolved once, found missing before anything changes, pulled early."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from provision.agent.resource import Query
from provision.agent.resources.docker_image import DockerImage
from provision.errors import TaskError
from provision.images.digests import Credentials
from provision.stack.model import ComposeProject
from provision.tasks.host import Host
from provision.transport.result import Result

if TYPE_CHECKING:
    from provision.engine.run import Run

Projects = Mapping[str, tuple[ComposeProject, ...]]


def look_up(run: Run, projects: Projects, name: str) -> None:
    """Resolve all images of a deploy through one host; a missing one is reported as its failure.

    Args:
        run: whose ``info.images`` knows the digests from then on.
        projects: what each host is to run.
        name: of a host that has Docker.

    """
    host = run.host(name)

    def ask(query: Query) -> Mapping[str, Any]:
        return host.ask(query, name="image digests", no_log=True)

    try:
        run.info.images.resolve(_all_images(projects), ask, _credentials(host))
    except TaskError as error:
        result = Result("failed", message=error.message, hint=error.hint or "")
        host.note("images", result)
        run.failed[name] = error.message


def pull(run: Run, hosts: Sequence[str], projects: Projects) -> bool:
    """Pull everything on all hosts at the same time, so that each later switch is a short one."""

    def work(host: Host) -> None:
        names = _all_images({host.name: projects[host.name]})

        def ask(query: Query) -> Mapping[str, Any]:
            return host.ask(query, name="image digests", no_log=True)

        resolved = run.info.images.resolve(names, ask, _credentials(host))
        if resolved:
            wanted = DockerImage(
                name=sorted(resolved.values()), credentials=run.info.logins.known()
            )
            host.apply(wanted, name="images")

    return run.phase("pull", hosts, lambda: run.each(hosts, work))


def _all_images(projects: Projects) -> set[str]:
    return {image for each in projects.values() for project in each for image in project.images}


def _credentials(host: Host) -> Credentials:
    """Return what the inventory says of the registry: the host may not be logged in yet."""
    registry = host.variables.get("registry")
    if isinstance(registry, Mapping) and registry.get("ecr"):
        host.run.logins.ecr(str(registry["server"]), str(registry.get("profile") or ""))
    elif isinstance(registry, Mapping) and "password" in registry:
        return {str(registry["server"]): (str(registry["username"]), str(registry["password"]))}
    return host.run.logins.known()
