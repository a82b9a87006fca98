"""A Compose project that is gone."""

from __future__ import annotations

from typing import Any, List, Optional

from provision.agent.compose import PROJECT, containers
from provision.agent.docker_api import Docker
from provision.agent.resource import Difference, Resource, State
from provision.agent.system import System


class ComposeDown(Resource):
    """No containers and networks of a project, and if asked for no volumes of it.

    Args:
        project: Compose's project name; its file is not needed.
        volumes: whether the data in its named volumes goes, too.
        timeout: seconds that containers have to end by themselves; None leaves each its own grace
            period, which a trainer needs for its checkpoint.

    """

    project: str
    volumes: bool = False
    timeout: Optional[int] = None

    def expected(self, system: System) -> State:
        """Return that nothing is left."""
        state: State = {"containers": [], "networks": []}
        return {**state, "volumes": []} if self.volumes else state

    def actual(self, system: System) -> State:
        """Return the names of what is there."""
        docker = Docker(system)
        filters = {"filters": {"label": ["{}={}".format(PROJECT, self.project)]}}
        state: State = {
            "containers": sorted(it.name for it in containers(docker, self.project)),
            "networks": _names(docker.get("/networks", filters)),
        }
        if self.volumes:
            state["volumes"] = _names(docker.get("/volumes", filters)["Volumes"])
        return state

    def fix(self, system: System, difference: Difference) -> None:
        """Stop and remove it."""
        volumes = ["--volumes"] if self.volumes else []
        argv = ["docker", "compose", "--ansi", "never", "-p", self.project, "down"]
        timeout = [] if self.timeout is None else ["--timeout", str(self.timeout)]
        system.must_run([*argv, "--remove-orphans", *timeout, *volumes], live=True)


def _names(found: List[Any]) -> List[str]:
    return sorted(entry["Name"] for entry in found or [])
