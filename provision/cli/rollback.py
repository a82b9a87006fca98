"""``provision rollback``: back to what ran before."""

from __future__ import annotations

from typing import Any

import click

from provision.cli.options import Settings, inventory_options, lock_options, report_options


@click.command("rollback")
@inventory_options
@lock_options
@report_options
@click.option(
    "--to",
    metavar="ID",
    help="A release, or a run: everything as it was after that. [default: before the last deploy]",
)
@click.option("--role", "roles", multiple=True, metavar="ROLE", help="Only this role.")
@click.option("-C", "--check", is_flag=True, help="Change nothing; exit 2 if something would.")
@click.option("-D", "--diff", is_flag=True, help="Show what changes, line by line.")
@click.pass_context
def command(
    context: click.Context, /, to: str | None, roles: tuple[str, ...], **given: Any
) -> None:
    """Undo the last deploy, or go to any release that the hosts have kept.

    Nothing is rendered or resolved anew: the hosts start what they ran then, and each switch is
    gated on health. Repeated, it goes another deploy back.
    """
    from provision.engine.rollout.rollback import rollback

    settings = Settings(**given)
    inventory, options = settings.load()
    hosts = [host.name for host in inventory.match("all", options.limit)]
    code = settings.run(
        "rollback",
        inventory,
        options,
        hosts,
        lambda run: rollback(run, hosts, to=to, roles=roles),
    )
    context.exit(code)
