"""The reference stack, deployed on one lab host: asked, watched and broken by the tests."""

from __future__ import annotations

import json
import re
import time
import urllib.parse
import urllib.request
from collections.abc import Callable
from typing import Any

import grpc
from generals_reference.v1 import buffer_pb2, buffer_pb2_grpc

from provision.lab.lab import Lab
from tests.integration.commandline import Ended, Project

METRICS = {  # container -> port of its metrics on the host
    "game-server-0": 9464,
    "experience-buffer": 9465,
    "trainer": 9466,
    "model-server": 9467,
    "agent-0": 9468,
    "agent-1": 9478,
}
AGENTS = ("agent-0", "agent-1")
CHECKPOINTS = "/var/lib/generals/checkpoints"


class Cluster:
    """All roles on one host.

    Args:
        lab: its host.
        project: runs the command on it.
        variables: what was set for the deploy, beside the inventory.

    """

    def __init__(self, lab: Lab, project: Project, variables: dict[str, Any]) -> None:
        self.lab, self.project, self.variables = lab, project, variables
        (self.host,) = lab.hosts
        self.address = self.host.private_address

    def provision(self, command: str, *arguments: str, **more: Any) -> Ended:
        """Run the command with the variables of the deploy."""
        variables = json.dumps(self.variables | more)
        return self.project.run(command, "-e", variables, *arguments, timeout=1200)

    # -- looking ----------------------------------------------------------------------------

    def sh(self, script: str) -> str:
        """Run a shell script as root on the host."""
        done = self.lab.exec(self.host.name, ["/bin/sh", "-c", script])
        assert done.returncode == 0, done.stderr
        return done.stdout

    def container(self, service: str) -> str:
        """The id of a service's container."""
        label = f"label=com.docker.compose.service={service}"
        return self.sh(f"docker ps --all --quiet --no-trunc --filter {label}").strip()

    def _inspected(self, service: str, field: str) -> str:
        return self.sh(f"docker inspect -f '{{{{{field}}}}}' {self.container(service)}").strip()

    def restarts(self, service: str) -> int:
        """How often Docker has restarted it."""
        return int(self._inspected(service, ".RestartCount"))

    def is_healthy(self, service: str) -> bool:
        """Whether Docker finds it healthy."""
        state = self.sh(
            f"docker inspect -f '{{{{.State.Health.Status}}}}' {self.container(service)}"
        )
        return state.strip() == "healthy"

    def log(self, service: str) -> list[dict[str, Any]]:
        """Every line that it wrote, each of which must be JSON."""
        text = self.sh(f"docker logs {self.container(service)} 2>&1")
        return [json.loads(line) for line in text.splitlines()]

    def metric(self, service: str, name: str) -> float:
        """The sum of a metric over its labels, as the service says it now; -1 while it is away."""
        try:
            text = get(f"http://{self.address}:{METRICS[service]}/metrics")
        except OSError:
            return -1
        values = re.findall(rf"^{name}(?:{{[^}}]*}})? (\S+)$", text, re.MULTILINE)
        return sum(map(float, values))

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

    # -- breaking ---------------------------------------------------------------------------

    def kill(self, service: str) -> None:
        """End its process with SIGKILL, as the kernel does when there is no memory left."""
        self.sh(f"kill -9 {self._inspected(service, '.State.Pid')}")

    def killed_and_back(self, service: str) -> None:
        """Kill it, and wait until Docker has it back and healthy."""
        before = self.restarts(service)
        self.kill(service)
        wait_for(lambda: self.restarts(service) > before, 30, f"{service} is started again")
        wait_for(lambda: self.is_healthy(service), 120, f"{service} is healthy again")


def get(url: str) -> str:
    """Return what is there, past any proxy."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(url, timeout=10) as answer:
            return str(answer.read().decode())
    except urllib.error.HTTPError as error:
        raise AssertionError(f"{url}: {error.read().decode()}") from error


def wait_for(condition: Callable[[], object], seconds: float, what: str) -> None:
    """Wait until `condition` holds; the test fails if it does not in time."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"not within {seconds} s: {what}"
        time.sleep(1)
