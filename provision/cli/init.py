"""``provision init``: a project directory to begin with."""

from __future__ import annotations

from pathlib import Path

import click


@click.command("init")
@click.argument("directory", type=click.Path(file_okay=False, path_type=Path), default=".")
@click.option(
    "--templates", is_flag=True, help="Copy the shipped templates and playbooks, to change them."
)
def command(directory: Path, *, templates: bool) -> None:
    """Write an inventory to fill in, and what belongs beside it, into DIRECTORY.

    Nothing that exists is overwritten; run it again to get back what was deleted. Copied templates
    and playbooks win over those of later versions: copy them only to change them.
    """
    from provision.engine.scaffold import INVENTORY, write_project

    written = write_project(directory, templates=templates)
    for name, is_new in written.items():
        click.echo(f"  {'wrote' if is_new else 'kept '}  {name}")
    place = "" if directory == Path() else f"cd {directory}; "
    click.echo(f"next: {place}name your machines in {INVENTORY},")
    click.echo("      your images and secrets in inventory/group_vars/all.yml,")
    click.echo(f"      and look at them: provision inventory -i {INVENTORY} --graph")
