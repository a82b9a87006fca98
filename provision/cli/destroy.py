"""``provision destroy``: the stack gone from its hosts."""

from __future__ import annotations

from typing import Any

import click

from provision.cli.options import Settings, inventory_options, lock_options


@click.command("destroy")
@inventory_options
@lock_options
@click.option("--role", "roles", multiple=True, metavar="ROLE", help="Only this role.")
@click.option("--volumes", is_flag=True, help="The data, too: named volumes and data directories.")
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
@click.option("-C", "--check", is_flag=True, help="Change nothing; exit 2 if something would.")
@click.pass_context
def command(
    context: click.Context,
    /,
    roles: tuple[str, ...],
    volumes: bool,
    yes: bool,
    **given: Any,
) -> None:
    """Stop and remove containers, networks, mounted files and releases; the data stays.

    Docker, images, accounts and settings of the hosts stay, too.
    """
    from provision.engine.rollout.destroy import destroy

    settings = Settings(**given)
    inventory, options = settings.load()
    hosts = [host.name for host in inventory.match("all", options.limit)]
    if not yes and not settings.check:
        what = ", ".join(roles) if roles else "everything that was deployed"
        data = "AND ITS DATA" if volumes else "but not its data"
        click.confirm(
            f"This removes {what}, {data}, from {', '.join(hosts)}. Go on?", abort=True, err=True
        )
    code = settings.run(
        "destroy",
        inventory,
        options,
        hosts,
        lambda run: destroy(run, hosts, roles=roles, volumes=volumes),
    )
    context.exit(code)
