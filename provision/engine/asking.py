"""One question to many hosts, outside of any run: nothing is changed, nothing is recorded."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from provision.agent.resource import Query
from provision.engine.events import EventBus
from provision.engine.fleet import Fleet
from provision.engine.options import RunOptions
from provision.errors import ProvisionError, TaskError
from provision.inventory.inventory import Inventory

Answers = dict[str, Mapping[str, Any]]


def ask_hosts(
    inventory: Inventory,
    options: RunOptions,
    hosts: Sequence[str],
    query: Callable[[Mapping[str, Any]], Query],
) -> tuple[Answers, dict[str, ProvisionError]]:
    """Put a query to hosts, as root.

    Args:
        inventory, options: how to reach them.
        hosts: the targeted ones.
        query: makes it from a host's variables.

    Returns:
        The answers, and why others gave none.

    """
    fleet = Fleet(inventory, options, EventBus())
    answers: Answers = {}
    problems: dict[str, ProvisionError] = {}

    def work(name: str) -> None:
        channel = fleet.link(name).channel("root")
        future = channel.submit(query(fleet.context(name)))
        channel.flush()
        result = future.result()
        if result.status == "ok":
            answers[name] = result.data
        else:
            problems[name] = TaskError(f"host {name}: {result.message}", hint=result.hint or None)

    try:
        fleet.run(hosts, work)
    finally:
        fleet.close()
    order = {name: number for number, name in enumerate(hosts)}
    problems.update(fleet.lost)
    return dict(sorted(answers.items(), key=lambda item: order[item[0]])), problems
