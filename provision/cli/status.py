"""``provision status``: what runs where, and how the training goes."""

from __future__ import annotations

import sys
from typing import Any

import click

from provision.cli.options import Settings, inventory_options


@click.command("status")
@inventory_options
@click.option(
    "-w",
    "--wait-for",
    "wanted",
    multiple=True,
    metavar="CONDITION",
    help="Show how the training goes until this holds: 'win_rate>0.8'; may be repeated.",
)
@click.option(
    "--timeout",
    type=click.FloatRange(0),
    default=600,
    show_default=True,
    help="Seconds to wait for that.",
)
@click.option(
    "--interval",
    type=click.FloatRange(1),
    default=10,
    show_default=True,
    help="Seconds between two looks.",
)
@click.pass_context
def command(
    context: click.Context,
    /,
    wanted: tuple[str, ...],
    timeout: float,
    interval: float,
    **given: Any,
) -> None:
    """Show what runs on each host: health, restarts, uptime, drift, GPUs; and how training goes.

    Drift is what a deploy would change: it is shown, and is no error. Measures to wait for: games,
    steps, buffer_fill, updates, loss, win_rate, version, promoted.

    Exit code 3 when a service is not well, or what was waited for did not come; 4 when a host
    cannot be reached.
    """
    from provision.engine.events import EventBus
    from provision.engine.run import Run
    from provision.engine.status.status import show_status
    from provision.engine.status.waiting import Waiting, parse_condition
    from provision.report.status import StatusPrinter

    settings = Settings(**given)
    waiting = Waiting(tuple(map(parse_condition, wanted)), timeout, interval)
    inventory, options = settings.load()
    hosts = [host.name for host in inventory.match("all", options.limit)]
    printer = StatusPrinter(sys.stdout, json=settings.as_json)
    run = Run("status", inventory, options, EventBus(), hosts)
    context.exit(run.perform(lambda run: show_status(run, hosts, waiting, printer)))
