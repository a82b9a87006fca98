"""Playbooks: loaded against everything that may be called, and the hosts that they name."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from provision.errors import Location, UsageError
from provision.inventory.inventory import Inventory
from provision.inventory.patterns import NoHostsError
from provision.playbook.loader import load_playbook
from provision.playbook.model import Play, TaskEntry
from provision.playbook.modules import Catalog
from provision.tasks.task import tasks


def load(path: Path) -> tuple[Play, ...]:
    """Read a playbook; every module, task, keyword and parameter in it is known to be right."""
    plays = load_playbook(path, Catalog(tasks()))
    if not plays:
        raise UsageError(
            "the playbook has no plays",
            where=Location(str(path), 1, 1),
            hint="begin with `- hosts: all`, then `tasks:`",
        )
    for play in plays:
        for task in (*play.pre_tasks, *play.tasks, *play.post_tasks, *play.handlers):
            _refuse_judging(task)
    return plays


def _refuse_judging(entry: TaskEntry) -> None:
    """Refuse conditions on the result of a Python task: it has many, and decides by itself."""
    given = [word for word in _JUDGING if getattr(entry, word) not in (None, False)]
    if given and entry.action in tasks():
        raise UsageError(
            f"`{given[0]}` is for modules; {entry.action} is a Python task",
            where=entry.where,
            hint="write the logic into the task",
        )


_JUDGING = ("changed_when", "failed_when", "until", "retries", "ignore_errors")


def targeted_hosts(inventory: Inventory, plays: Sequence[Play], limit: str | None) -> list[str]:
    """Return the hosts of all plays within the limit.

    Raises:
        UsageError: a pattern or the limit names something that does not exist, or nothing is left.

    """
    names = dict.fromkeys(name for play in plays for name in hosts_of(inventory, play))
    if not names:
        message = "no play leaves a host to work on"
        raise NoHostsError(message, where=plays[0].where, hint=inventory.why_empty())
    try:
        return [host.name for host in inventory.match(",".join(names), limit)]
    except NoHostsError as error:
        message = f"the limit {limit!r} leaves no host of the playbook"
        raise NoHostsError(message, hint=error.hint) from None


def hosts_of(inventory: Inventory, play: Play) -> list[str]:
    """Return the hosts that a play names; none where its groups exist but leave no host.

    Raises:
        UsageError: it names a host or group that does not exist.

    """
    try:
        return [host.name for host in inventory.match(play.hosts)]
    except NoHostsError:
        return []
    except UsageError as error:
        raise UsageError(error.message, where=play.where, hint=error.hint) from None
