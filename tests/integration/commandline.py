"""The ``provision`` command as a person runs it: a process of its own, in a project directory."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_ROW = re.compile(
    r"^(?P<host>\S+) +(?P<ok>\d+) +(?P<changed>\d+) +(?P<unreachable>\d+) +(?P<failed>\d+)"
    r" +(?P<skipped>\d+) +\S+",
    re.MULTILINE,
)


@dataclass(frozen=True)
class Ended:
    """How a command ended, and what it showed."""

    code: int
    out: str
    err: str
    seconds: float

    @property
    def shown(self) -> str:
        """All that a person saw."""
        return self.out + self.err

    def recap(self) -> dict[str, dict[str, int]]:
        """Return the table at the end: counts by host."""
        return recap_of(self.out)

    def events(self, kind: str) -> list[dict[str, Any]]:
        """Return the events of one kind, of a run with ``--json``."""
        events = [json.loads(line) for line in self.out.splitlines()]
        return [event for event in events if event["event"] == kind]


def recap_of(text: str) -> dict[str, dict[str, int]]:
    """Return the counts by host that the table at the end of a run shows."""
    rows = [match.groupdict() for match in _ROW.finditer(text)]
    return {row.pop("host"): {name: int(value) for name, value in row.items()} for row in rows}


class Project:
    """A directory of playbooks, and the command in it.

    Args:
        directory: empty; it is also the home directory, so that no key of this machine counts.
        inventory: of the lab.

    """

    def __init__(self, directory: Path, inventory: Path) -> None:
        self.directory = directory
        self.inventories = [inventory]
        self.environment = {
            name: value for name, value in os.environ.items() if name != "SSH_AUTH_SOCK"
        } | {"HOME": str(directory), "COLUMNS": "200"}

    def write(self, name: str, text: str) -> Path:
        """Write a file of the project."""
        path = self.directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    def add_hosts(self, hosts: Mapping[str, Mapping[str, object]]) -> None:
        """Add hosts to the inventory; JSON is YAML."""
        text = json.dumps({"all": {"hosts": hosts}})
        self.inventories.append(self.write("more-hosts.yml", text))

    def set_variables(self, variables: Mapping[str, object]) -> None:
        """Set variables of all hosts, over those of the inventory."""
        text = json.dumps({"all": {"vars": variables}})
        self.inventories.append(self.write("variables.yml", text))

    def argv(self, command: str, *arguments: str) -> list[str]:
        """Return the command line."""
        sources = [word for path in self.inventories for word in ("-i", str(path))]
        return [sys.executable, "-m", "provision", command, *arguments, *sources]

    def run(self, command: str, *arguments: str, typed: str = "", timeout: float = 600) -> Ended:
        """Run ``provision COMMAND`` on the inventory and wait for its end."""
        started = time.monotonic()
        done = subprocess.run(
            self.argv(command, *arguments),
            cwd=self.directory,
            env=self.environment,
            input=typed,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )
        return Ended(done.returncode, done.stdout, done.stderr, time.monotonic() - started)

    def play(self, text: str, *arguments: str, timeout: float = 600) -> Ended:
        """Run a playbook."""
        self.write("play.yml", text)
        return self.run("play", "play.yml", *arguments, timeout=timeout)
