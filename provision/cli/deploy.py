"""``provision deploy``: the main job."""

from __future__ import annotations

from typing import Any

import click

from provision.cli.options import (
    Settings,
    change_options,
    inventory_options,
    lock_options,
    report_options,
)


@click.command("deploy")
@inventory_options
@change_options
@lock_options
@report_options
@click.option(
    "--push-images",
    is_flag=True,
    help="Send the images of this machine's Docker over the connections; no registry is asked.",
)
@click.option(
    "--keep-roles",
    is_flag=True,
    help="When a role fails, leave the roles before it on their new releases.",
)
@click.option("--no-reboot", is_flag=True, help="Leave hosts that wait for a reboot as they are.")
@click.pass_context
def command(context: click.Context, /, **given: Any) -> None:
    """Prepare the hosts, roll the stack out role by role, and verify the result.

    Safe to repeat: what is as it should be is left alone. With --check nothing is changed, and the
    exit code is 2 where something would be.
    """
    from provision.engine.rollout.deploy import deploy, load_deploy

    settings = Settings(**given)
    inventory, options = settings.load()
    plays, directory = load_deploy(inventory, options)
    hosts = [host.name for host in inventory.match("all", options.limit)]
    code = settings.run(
        "deploy", inventory, options, hosts, lambda run: deploy(run, plays, directory, hosts)
    )
    context.exit(code)
