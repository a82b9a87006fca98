"""``provision play``: run a playbook."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from provision.cli.options import (
    Settings,
    change_options,
    inventory_options,
    lock_options,
    report_options,
)


@click.command("play")
@click.argument("playbook", type=click.Path(path_type=Path))
@inventory_options
@change_options
@lock_options
@report_options
@click.pass_context
def command(context: click.Context, /, playbook: Path, **given: Any) -> None:
    """Run the plays of PLAYBOOK, a file, or the name of a shipped one."""
    from provision.engine.play.play import play_all
    from provision.engine.play.playbook import load, targeted_hosts
    from provision.engine.play.tags import refuse_unknown_tags
    from provision.project import find

    path = playbook if playbook.exists() else find("playbooks", playbook.name)
    settings = Settings(**given)
    plays = load(path)
    inventory, options = settings.load()
    refuse_unknown_tags(plays, options)
    inventory = inventory.with_playbook(path.parent)
    hosts = targeted_hosts(inventory, plays, options.limit)
    code = settings.run(
        f"play {path.name}",
        inventory,
        options,
        hosts,
        lambda run: play_all(run, plays, path),
    )
    context.exit(code)
