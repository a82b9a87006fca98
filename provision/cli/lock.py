"""``provision lock``: who is working on the hosts."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import click

from provision.cli.options import Settings, inventory_options, report_problems
from provision.errors import ExitCode


@click.group("lock")
def command() -> None:
    """One run at a time works on a host; see who does, or end it."""


@command.command("status")
@inventory_options
@click.pass_context
def status(context: click.Context, /, **given: Any) -> None:
    """Show who holds the lock of each host, from where, since when, in which run."""
    from provision.agent.resources.lock_holder import LockStatus
    from provision.engine.asking import ask_hosts
    from provision.report.text import clean

    settings = Settings(**given)
    inventory, options = settings.load()
    hosts = [host.name for host in inventory.match("all", options.limit)]
    answers, problems = ask_hosts(inventory, options, hosts, lambda _: LockStatus())
    for host, answer in answers.items():
        said = {"host": host, **answer}
        click.echo(json.dumps(said) if settings.as_json else clean(f"{host}  {_state(answer)}"))
    context.exit(report_problems(problems))


def _state(answer: Mapping[str, Any]) -> str:
    from provision.agent.lock_file import described

    record = answer.get("record")
    if answer.get("held"):
        return described(record) if record else "somebody is just taking or leaving it"
    return f"free; the last holder was cut off ({described(record)})" if record else "free"


@command.command("release")
@inventory_options
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
@click.pass_context
def release(context: click.Context, /, yes: bool, **given: Any) -> None:
    """End whoever holds the lock of the hosts: that run's agent there, in the middle of its work.

    A lock never has to be released by hand after a run has ended, crashed or lost its connection:
    this is for a run that still goes on, and must not.
    """
    from provision.agent.lock_file import described
    from provision.agent.resources.lock_holder import LockRelease
    from provision.engine.asking import ask_hosts
    from provision.report.text import clean

    settings = Settings(**given)
    inventory, options = settings.load()
    hosts = [host.name for host in inventory.match("all", options.limit)]
    if not yes:
        click.confirm(
            f"This breaks off the run that is at work on {', '.join(hosts)}. Go on?",
            abort=True,
            err=True,
        )
    answers, problems = ask_hosts(inventory, options, hosts, lambda _: LockRelease())
    for host, answer in answers.items():
        ended = answer.get("ended")
        click.echo(clean(f"{host}  {f'ended: {described(ended)}' if ended else 'was free'}"))
    context.exit(report_problems(problems) or ExitCode.OK)
