"""``provision gpu``: questions about GPUs that need no host."""

from __future__ import annotations

import json
from pathlib import Path

import click


@click.group("gpu")
def command() -> None:
    """Ask what would be done about a machine's GPUs."""


@command.command("plan")
@click.option(
    "-f",
    "--facts",
    required=True,
    type=click.Path(path_type=Path),
    help="A YAML file that describes the machine; docs/gpu.md lists its fields.",
)
@click.pass_context
def plan(context: click.Context, /, facts: Path) -> None:
    """Print which NVIDIA driver a machine would get, as JSON; no host is touched.

    Exit code 3 when it would be refused one: `refusals` say why, and what to do.
    """
    from provision.errors import ExitCode
    from provision.tasks.nvidia.description import read_machine
    from provision.tasks.nvidia.resolver import resolve

    decision = resolve(read_machine(facts))
    click.echo(json.dumps(decision.as_json(), indent=2, ensure_ascii=False))
    context.exit(ExitCode.FAILED if decision.verdict == "refuse" else ExitCode.OK)
