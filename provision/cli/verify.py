"""``provision verify``: whether the hosts are as they should be."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from provision.cli.options import Settings, inventory_options, report_options


@click.command("verify")
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path))
@inventory_options
@report_options
@click.option(
    "-t", "--tags", multiple=True, metavar="TAGS", help="Only these subjects, roles or marks."
)
@click.option(
    "--junit", type=click.Path(dir_okay=False, path_type=Path), help="Write a JUnit report."
)
@click.pass_context
def command(
    context: click.Context, /, paths: tuple[Path, ...], junit: Path | None, **given: Any
) -> None:
    """Check that the hosts are as they should be, and change nothing.

    PATHS are test files of your own, or directories of them, to be run beside the shipped checks;
    they are pytest tests with testinfra's `host` (docs/verify.md).

    Exit code 5 when a check fails, 4 when a host cannot be reached.
    """
    from provision.engine.rollout.checking import verify_hosts

    settings = Settings(**given)
    inventory, options = settings.load()
    hosts = [host.name for host in inventory.match("all", options.limit)]
    code = settings.run(
        "verify",
        inventory,
        options,
        hosts,
        lambda run: verify_hosts(run, hosts, tags=options.tags, paths=paths, junit=junit),
    )
    context.exit(code)
