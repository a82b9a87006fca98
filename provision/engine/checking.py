"""Verification as part of a run: over the links that are open already, seen as tasks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from provision.agent.resource import Query
from provision.agent.resources.execute import Execute
from provision.errors import TaskError
from provision.transport.channel import Result
from provision.verify.runner import Check, Completed, Target

if TYPE_CHECKING:
    from provision.engine.run import Run

_STATUS = {"passed": "ok", "failed": "failed", "skipped": "skipped"}


def target_of(run: Run, name: str) -> Target:
    """Return a host of the run as the checks see it: commands and queries run there as root."""
    channel = run.fleet.link(name).channel("root")

    def ask(query: Query) -> Mapping[str, Any]:
        future = channel.submit(query, keep_going=True)
        channel.flush()
        result = future.result()
        if result.status != "ok":
            raise TaskError(f"host {name}: {result.message}", hint=result.hint)
        return result.data

    def execute(command: str) -> Completed:
        answer = ask(Execute(command=command))
        return Completed(answer["rc"], answer["stdout"], answer["stderr"])

    return Target(
        name=name,
        groups=run.inventory.hosts[name].groups,
        variables=run.host(name).variables,
        execute=execute,
        ask=ask,
    )


def show(run: Run, check: Check) -> None:
    """Report a check like a task of its host."""
    result = Result(_STATUS[check.outcome], message=check.message, seconds=check.seconds)
    run.host(check.host).note(f"verify {check.suite}: {check.name}", result)
