"""A lab host that runs services of the reference stack: looked at, and broken, by the tests."""

from __future__ import annotations

import json
import re
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from typing import Any

from provision.lab.lab import Lab

METRICS = {  # service -> port of its metrics on its host
    "game-server-0": 9464,
    "experience-buffer": 9465,
    "trainer": 9466,
    "model-server": 9467,
    "agent-0": 9468,
    "agent-1": 9478,
}
CHECKPOINTS = "/var/lib/generals/checkpoints"


class Machine:
    """One host of a lab, by its name."""

    def __init__(self, lab: Lab, name: str) -> None:
        self.lab, self.name = lab, name
        self.address = lab.host(name).private_address

    def sh(self, script: str) -> str:
        """Run a shell script as root on the host."""
        done = self.lab.exec(self.name, ["/bin/sh", "-c", script])
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
        return self._inspected(service, ".State.Health.Status") == "healthy"

    def log(self, service: str, *, errors: bool = True) -> list[dict[str, Any]]:
        """Every line that it wrote, each of which must be JSON; `errors`: to stderr as well."""
        stderr = "&1" if errors else "/dev/null"
        text = self.sh(f"docker logs {self.container(service)} 2>{stderr}")
        return [json.loads(line) for line in text.splitlines()]

    def metric(self, service: str, name: str) -> float:
        """The sum of a metric over its labels, as the service says it now; -1 while it is away."""
        try:
            text = get(f"http://{self.address}:{METRICS[service]}/metrics")
        except OSError:
            return -1
        values = re.findall(rf"^{name}(?:{{[^}}]*}})? (\S+)$", text, re.MULTILINE)
        return sum(map(float, values))

    def saved_step(self) -> int:
        """The learner's step in the newest checkpoint; 0 where there is none."""
        names = self.sh(f"ls {CHECKPOINTS}/trainer 2>/dev/null || true").split()
        return max((int(name.split("-")[1].split(".")[0]) for name in names), default=0)

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
