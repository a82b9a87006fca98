"""Playbooks in a run: loaded against everything that may be called, played in order."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from provision.inventory.inventory import Inventory
from provision.playbook.loader import load_playbook
from provision.playbook.model import Play
from provision.playbook.modules import Catalog
from provision.tasks.task import tasks

if TYPE_CHECKING:
    from provision.engine.run import Run


def load(path: Path) -> tuple[Play, ...]:
    """Read a playbook; every module, task, keyword and parameter in it is known to be right."""
    return load_playbook(path, Catalog(tasks()))


def targeted_hosts(inventory: Inventory, plays: Sequence[Play], limit: str | None) -> list[str]:
    """Return the hosts of all plays within the limit, in inventory order.

    Raises:
        UsageError: a pattern or the limit names something that does not exist, or nothing is left.

    """
    pattern = ",".join(play.hosts for play in plays)
    return [host.name for host in inventory.match(pattern, limit)]


def play_all(run: Run, plays: Sequence[Play], directory: Path) -> None:
    """Carry the plays out one after the other, until one says that none may follow."""
    for play in plays:
        if not run.play(play, directory):
            break
