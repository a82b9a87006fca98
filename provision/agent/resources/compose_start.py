"""A Compose project that was stopped, started again as it was."""

from __future__ import annotations

from typing import Sequence

from provision.agent.compose import containers
from provision.agent.docker_api import Docker
from provision.agent.resource import Difference, Resource, State
from provision.agent.system import System


class ComposeStart(Resource):
    """That the containers which some services have are running, whatever they were made from.

    Args:
        project: Compose's project name; its file is not needed.
        services: their names; those without a container are left out.

    """

    project: str
    services: Sequence[str]

    def expected(self, system: System) -> State:
        """Return that nothing of it is stopped."""
        return {"stopped": []}

    def actual(self, system: System) -> State:
        """Return the services that have a container which does not run."""
        found = containers(Docker(system), self.project)
        idle = {it.service for it in found if it.state != "running"}
        return {"stopped": sorted(idle & set(self.services))}

    def fix(self, system: System, difference: Difference) -> None:
        """Start them, in the order of their dependencies."""
        idle = self.actual(system)["stopped"]
        argv = ["docker", "compose", "--ansi", "never", "-p", self.project, "start", *idle]
        system.must_run(argv, live=True)
