"""Plays on this machine: real agents, as whoever runs the tests, and all their events."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from provision.engine.events import Event, EventBus, HostUnreachable, PhaseFinished, TaskFinished
from provision.engine.options import RunOptions
from provision.engine.play.play import play_all
from provision.engine.play.playbook import load, targeted_hosts
from provision.engine.run import Run
from provision.errors import ExitCode
from provision.inventory.inventory import Inventory

LOCAL = {"ansible_connection": "local", "ansible_become": False}


class Played:
    """What became of a playbook."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.events: list[Event] = []
        self.code: ExitCode | None = None

    @property
    def finished(self) -> list[TaskFinished]:
        return [event for event in self.events if isinstance(event, TaskFinished)]

    def told(self, host: str | None = None) -> list[str]:
        """Return ``host task: status`` of everything that ended; of one host without its name."""
        return [
            f"{'' if host else event.host + ' '}{event.task}: {event.status}"
            for event in self.finished
            if host in (None, event.host)
        ]

    def messages(self, host: str) -> list[str]:
        return [event.message for event in self.finished if event.host == host and event.message]

    def phases(self) -> list[str]:
        events = [event for event in self.events if isinstance(event, PhaseFinished)]
        return [f"{event.phase}: {event.summary}" for event in events]

    def unreachable(self) -> list[str]:
        return [event.host for event in self.events if isinstance(event, HostUnreachable)]

    def text(self, name: str) -> str | None:
        path = self.directory / name
        return path.read_text() if path.exists() else None


def inventory_of(hosts: Mapping[str, Mapping[str, Any]], directory: Path) -> Inventory:
    """Return an inventory of hosts that are all this machine."""
    data = {"all": {"hosts": {name: dict(own) for name, own in hosts.items()}, "vars": LOCAL}}
    path = directory / "inventory.yml"
    path.write_text(yaml.safe_dump(data, sort_keys=False))
    return Inventory.load([path])


def played(
    playbook: str,
    directory: Path,
    hosts: Mapping[str, Mapping[str, Any]] | None = None,
    **options: Any,
) -> Played:
    """Play a playbook's text, which lies in ``directory``."""
    path = directory / "playbook.yml"
    path.write_text(playbook)
    inventory = inventory_of(hosts or {"h1": {}}, directory)
    result = Played(directory)
    plays = load(path)
    limit = options.pop("limit", None)
    names = targeted_hosts(inventory, plays, limit)
    run = Run("test", inventory, RunOptions(**options), EventBus(result.events.append), names)
    result.code = run.perform(lambda run: play_all(run, plays, path))
    return result
