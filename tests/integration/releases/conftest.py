"""Two hosts with Docker, and a stack so small that a rollout takes seconds."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from provision.lab.host import LabHost, ssh_command
from provision.lab.lab import Lab
from provision.source import load_yaml
from tests.labs import lab_for

ROOT = "/opt/generals/game_server"
SECRET = "a-secret-of-the-service"

# The version is in the environment, and so in the container; `health` may differ between hosts.
TEMPLATE = """
{% import "compose/_stack.j2" as stack with context %}
{% include "compose/_hardened.yml.j2" %}
x-files:
  service.env: {secret: true}
services:
  web:
    <<: *hardened
    image: {{ web_image | default(redis_image) | to_json }}
    entrypoint: [sh, -c, "echo version {{ version }} speaks; exec sleep 86400"]
    environment: {VERSION: "{{ version }}"}
    env_file: [./service.env]
    volumes: ["{{ data_root }}/web:/data", "web:/named"]
    healthcheck:
      test: {{ web_health | to_json }}
      interval: 1s
      timeout: 10s
      retries: {{ web_retries | default(2) }}
    {{ stack.limits("64m", 0.5, 32) | indent(4) }}
    stop_grace_period: 1s
volumes: {web: {}}
"""


class Cluster:
    """The hosts, a project directory for them, and the command line."""

    def __init__(self, project: Path, hosts: list[LabHost]) -> None:
        self.project = project
        self.hosts = {host.name: host for host in hosts}

    def command(self, *arguments: str, version: str = "1") -> list[str]:
        """Return a command line; rollouts are of the one role, with what was prepared before."""
        name, *rest = arguments
        tags = ["--tags", "game_server"] if name == "deploy" and "--tags" not in rest else []
        given = ["-i", "hosts.yml", "-e", f"version={version}", *tags]
        is_nested = name == "lock"
        words = [name, rest.pop(0)] if is_nested else [name]
        return [sys.executable, "-m", "provision", *words, *given, *rest]

    def run(
        self, *arguments: str, version: str = "1", expect: int | None = 0
    ) -> subprocess.CompletedProcess[str]:
        """Run the command to its end and hold its exit code."""
        done = subprocess.run(
            self.command(*arguments, version=version),
            cwd=self.project,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            text=True,
            timeout=300,
            check=False,
        )
        assert expect is None or done.returncode == expect, done.stdout
        return done

    def start(self, *arguments: str, version: str = "1") -> subprocess.Popen[str]:
        """Start the command and return at once."""
        return subprocess.Popen(
            self.command(*arguments, version=version),
            cwd=self.project,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            text=True,
        )

    def page(self, run: str) -> str:
        """Return the page of a run."""
        argv = [sys.executable, "-m", "provision", "report", run, "-o", "-"]
        return subprocess.run(
            argv, cwd=self.project, capture_output=True, text=True, timeout=60, check=True
        ).stdout

    def on(self, host: str, command: str) -> str:
        """Return what a shell command prints on a host, as root."""
        argv = ssh_command(self.hosts[host], ["sudo sh -c " + _quoted(command)])
        done = subprocess.run(argv, capture_output=True, text=True, timeout=60, check=False)
        return done.stdout.strip()

    def versions(self, role: str = "game-server") -> dict[str, str]:
        """Return which version of a role really runs on each host."""
        ask = (
            f"docker ps --filter label=com.docker.compose.project=generals-{role}"
            " --format '{{.ID}}' | xargs -r docker inspect -f"
            " '{{range .Config.Env}}{{println .}}{{end}}' | sed -n s/^VERSION=//p"
        )
        return {host: self.on(host, ask) for host in self.hosts}

    def current(self, host: str) -> str:
        """Return the id of the current release."""
        return self.on(host, f"readlink {ROOT}/current").removeprefix("releases/")

    def history(self) -> list[dict[str, Any]]:
        """Return the lines of all hosts' history."""
        return [json.loads(line) for line in self.run("history", "--json").stdout.splitlines()]

    def locks(self) -> dict[str, dict[str, Any]]:
        """Return who holds which host."""
        lines = self.run("lock", "status", "--json").stdout.splitlines()
        return {each["host"]: each for each in map(json.loads, lines)}

    def hook(self, point: str, script: str | None) -> None:
        """Put a hook into the project, or take it away."""
        path = self.project / "hooks" / point
        path.parent.mkdir(exist_ok=True)
        path.unlink(missing_ok=True)
        if script is not None:
            path.write_text(f"#!/bin/sh\n{script}\n")
            path.chmod(0o755)


def wait_until(holds: Callable[[], bool], seconds: float = 60) -> None:
    """Wait for something to become true."""
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "it did not come true"
        time.sleep(0.5)


def _quoted(command: str) -> str:
    return "'" + command.replace("'", "'\\''") + "'"


@pytest.fixture(scope="package")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """Two hosts and a registry."""
    with lab_for("releases", tmp_path_factory) as made:
        yield made


@pytest.fixture(scope="package")
def cluster(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Cluster:
    """The lab's hosts, prepared, with nothing deployed."""
    hosts = lab.up(2)
    project = tmp_path_factory.mktemp("project")
    (project / "templates/compose").mkdir(parents=True)
    (project / "templates/compose/game_server.yml.j2").write_text(TEMPLATE)
    (project / "templates/config/game_server").mkdir(parents=True)
    (project / "templates/config/game_server/service.env.j2").write_text("TOKEN={{ web_token }}\n")
    inventory: Any = load_yaml(lab.inventory_file)["all"]
    variables = {
        **inventory["vars"],
        "version": 1,
        "web_token": SECRET,
        "web_health": ["CMD", "/bin/true"],
        "game_server_serial": [1],
        "game_server_image": "{{ redis_image }}",
        "keep_releases": 3,
    }
    group = {"hosts": dict.fromkeys(inventory["hosts"])}
    document = {
        "all": {
            "vars": variables,
            "hosts": {name: dict(host) for name, host in inventory["hosts"].items()},
            "children": {"game_server": group},
        }
    }
    (project / "hosts.yml").write_text(yaml.safe_dump(json.loads(json.dumps(document))))
    made = Cluster(project, hosts)
    made.run("deploy", "--tags", "prepare")
    made.run("destroy", "--yes", "--volumes", expect=None)  # what an earlier run has left
    return made
