"""``provision history``: what was deployed where, when, and by whom."""

from __future__ import annotations

import json
from typing import Any

import click

from provision.cli.options import Settings, inventory_options, report_problems


@click.command("history")
@inventory_options
@click.option("--role", "roles", multiple=True, metavar="ROLE", help="Only this role.")
@click.option("-n", "--number", type=click.IntRange(1), default=30, show_default=True)
@click.pass_context
def command(context: click.Context, /, roles: tuple[str, ...], number: int, **given: Any) -> None:
    """Show the newest switches, failures and removals of all hosts, the newest last.

    With --json each line is an object, and none is left out.
    """
    from provision.agent.resources.releases import Releases
    from provision.engine.asking import ask_hosts
    from provision.engine.rollout.going_back import stack_directory
    from provision.report.history import history_lines
    from provision.report.text import clean

    settings = Settings(**given)
    inventory, options = settings.load()
    hosts = [host.name for host in inventory.match("all", options.limit)]
    answers, problems = ask_hosts(
        inventory, options, hosts, lambda variables: Releases(stack=stack_directory(variables))
    )
    entries = [
        {**line, "host": host}
        for host, answer in answers.items()
        for line in answer["history"]
        if not roles or line.get("role") in roles
    ]
    entries.sort(key=lambda line: line["at"])
    if settings.as_json:
        for entry in entries:
            click.echo(json.dumps(entry))
    else:
        for line in history_lines(entries[-number:]):
            click.echo(clean(line))
    context.exit(report_problems(problems))
