"""The reference stack, deployed on one lab host: asked, watched and broken by the tests."""

from __future__ import annotations

import json
import urllib.parse
from typing import Any

import grpc
from generals_reference.v1 import buffer_pb2, buffer_pb2_grpc

from provision.lab.lab import Lab
from tests.integration.commandline import Ended, Project
from tests.integration.reference.machine import Machine, get

AGENTS = ("agent-0", "agent-1")


class Cluster(Machine):
    """All roles on one host.

    Args:
        lab: its host.
        project: runs the command on it.
        variables: what was set for the deploy, beside the inventory.

    """

    def __init__(self, lab: Lab, project: Project, variables: dict[str, Any]) -> None:
        (host,) = lab.hosts
        super().__init__(lab, host.name)
        self.project, self.variables = project, variables

    def provision(self, command: str, *arguments: str, **more: Any) -> Ended:
        """Run the command with the variables of the deploy."""
        variables = json.dumps(self.variables | more)
        return self.project.run(command, "-e", variables, *arguments, timeout=1200)

    def query(self, expression: str) -> list[dict[str, Any]]:
        """What Prometheus answers; its own words if it refuses."""
        query = urllib.parse.urlencode({"query": expression})
        answer = json.loads(get(f"http://{self.address}:9090/api/v1/query?{query}"))
        assert answer["status"] == "success", answer
        result = answer["data"]["result"]
        return result if isinstance(result, list) else [result]

    def stored(self) -> buffer_pb2.StatsReply:
        """What the buffer says of itself."""
        with grpc.insecure_channel(
            f"{self.address}:50052", [("grpc.enable_http_proxy", 0)]
        ) as channel:
            stub = buffer_pb2_grpc.ExperienceBufferStub(channel)
            return stub.Stats(buffer_pb2.StatsRequest(), timeout=10, wait_for_ready=True)

    def acknowledged(self) -> float:
        """Experiences that the buffer has told the agents to be safe."""
        return sum(self.metric(agent, "generals_agent_experiences_total") for agent in AGENTS)
