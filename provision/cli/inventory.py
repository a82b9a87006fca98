"""``provision inventory``: what the inventory says, printed as ``ansible-inventory`` prints it."""

from __future__ import annotations

from pathlib import Path

import click

from provision.cli.options import source_options


@click.command("inventory")
@click.argument("group", default="all")
@source_options
@click.option("--list", "show_list", is_flag=True, help="Print all hosts and groups.")
@click.option("--graph", "show_graph", is_flag=True, help="Print the tree below GROUP.")
@click.option("--host", metavar="HOST", help="Print the variables of one host.")
@click.option("--vars", "show_vars", is_flag=True, help="With --graph: print variables too.")
@click.option("-y", "--yaml", "as_yaml", is_flag=True, help="Print YAML instead of JSON.")
@click.option(
    "--playbook-dir",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Directory whose group_vars/ and host_vars/ count too.",
)
def command(
    *,
    group: str,
    sources: tuple[str, ...],
    show_list: bool,
    show_graph: bool,
    host: str | None,
    show_vars: bool,
    as_yaml: bool,
    limit: str | None,
    extra_vars: tuple[str, ...],
    playbook_dir: Path | None,
    vault_password_file: Path | None,
    flush_cache: bool,
) -> None:
    """Print the inventory: choose one of --list, --host and --graph."""
    if show_list + show_graph + (host is not None) != 1:
        raise click.UsageError("choose one of --list, --host HOST and --graph")
    from provision.inventory import output
    from provision.inventory.extra_vars import parse_extra_vars
    from provision.inventory.inventory import Inventory
    from provision.inventory.vault import read_vault_password

    password = read_vault_password(vault_password_file)
    inventory = Inventory.load(
        sources,
        extra_vars=parse_extra_vars(extra_vars, vault_password=password),
        vault_password=password,
        fresh=flush_cache,
    )
    if playbook_dir is not None:
        inventory = inventory.with_playbook(playbook_dir)
    for warning in inventory.warnings():
        click.echo(f"warning: {warning}", err=True)
    if host is not None:
        text = output.host_variables(inventory, host, as_yaml=as_yaml)
    elif show_graph:
        text = output.graph(inventory, group, with_variables=show_vars)
    else:
        text = (output.list_yaml if as_yaml else output.list_json)(inventory, limit)
    click.echo(text)
