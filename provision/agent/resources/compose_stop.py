"""A Compose project that does not run, and whose containers can still be looked into."""

from __future__ import annotations

from provision.agent.compose import containers
from provision.agent.docker_api import Docker
from provision.agent.resource import Difference, Resource, State
from provision.agent.system import System

_ENDED = ("exited", "created", "dead")


class ComposeStop(Resource):
    """All containers of a project stopped, with their logs kept.

    Args:
        project: Compose's project name; its file is not needed.

    """

    project: str

    def expected(self, system: System) -> State:
        """Return that nothing runs."""
        return {"running": []}

    def actual(self, system: System) -> State:
        """Return the names of what runs, or would be restarted."""
        found = containers(Docker(system), self.project)
        return {"running": sorted(it.name for it in found if it.state not in _ENDED)}

    def fix(self, system: System, difference: Difference) -> None:
        """Stop it; every container gets its own grace period."""
        system.must_run(
            ["docker", "compose", "--ansi", "never", "-p", self.project, "stop"], live=True
        )
