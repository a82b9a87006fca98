"""``provision lab``: real SSH hosts as containers on this machine."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from provision.lab.lab import Lab

_DEFAULT = "provision-lab"


def _lab(context: click.Context) -> Lab:
    """Return the lab named on the command line, with its files below the current directory."""
    from provision.lab.lab import Lab

    name: str = context.obj
    if name == _DEFAULT:
        return Lab(name, Path(".lab"), inventory_file=Path("inventory/lab.yml"), say=_say)
    return Lab(name, Path(".lab") / name, say=_say)


def _say(line: str) -> None:
    click.echo(f"  {line}", err=True)


@click.group("lab")
@click.option("--name", default=_DEFAULT, show_default=True, help="Which lab; several may run.")
@click.pass_context
def command(context: click.Context, name: str) -> None:
    """Real SSH hosts as containers on this machine, for demos and tests."""
    context.obj = name


@command.command()
@click.option("--hosts", type=click.IntRange(1), help="How many. [default: those there are, or 3]")
@click.option(
    "--simulated-gpus",
    type=click.IntRange(1, 8),
    help="GPUs that the trainer's host pretends to have; needs a fresh lab.",
)
@click.pass_context
def up(context: click.Context, hosts: int | None, simulated_gpus: int | None) -> None:
    """Start the lab, or what is missing of it, and write its inventory."""
    from provision.lab.inventory import groups

    lab = _lab(context)
    started = time.monotonic()
    members = lab.up(hosts, simulated_gpus=simulated_gpus or 0)
    roles = groups([host.name for host in members])
    click.echo(f"lab {lab.name}: {len(members)} hosts up, {time.monotonic() - started:.1f} s\n")
    for host in members:
        own = " ".join(role for role, names in roles.items() if host.name in names)
        address = f"{host.address}:{host.port}"
        gpus = f" ({host.simulated_gpus} simulated GPUs)" if host.simulated_gpus else ""
        click.echo(f"  {host.name:<4} {address:<16} {host.private_address:<15} {own}{gpus}")
    inventory = os.path.relpath(lab.inventory_file)
    click.echo(
        f"\nlog in:  provision lab ssh h1\ndeploy:  provision deploy --inventory {inventory}"
    )


@command.command()
@click.option("--all", "everything", is_flag=True, help="Remove images, volumes and keys as well.")
@click.pass_context
def down(context: click.Context, everything: bool) -> None:
    """Remove the lab's hosts, registry and network."""
    lab = _lab(context)
    lab.down_all() if everything else lab.down()


@command.command()
@click.pass_context
def status(context: click.Context) -> None:
    """Say what there is of the lab; exit code 1 when that is nothing."""
    lab = _lab(context)
    states = lab.status()
    for name, state in states.items():
        click.echo(f"{name:<10} {state}")
    if not states:
        click.echo("the lab is down; start it with: provision lab up")
        context.exit(1)


@command.command(context_settings={"ignore_unknown_options": True})
@click.argument("name")
@click.argument("argv", nargs=-1, type=click.UNPROCESSED)
@click.pass_context
def ssh(context: click.Context, name: str, argv: tuple[str, ...]) -> None:
    """Log into the host NAME, or run a command on it."""
    from provision.lab.host import ssh_command

    program = ssh_command(_lab(context).host(name), argv)
    os.execvp(program[0], program)  # noqa: S606 - ssh takes over the terminal
