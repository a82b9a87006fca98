"""``provision build``: the images of a source tree."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from provision.images.recipe import DEPLOYED, NAMES

if TYPE_CHECKING:
    from provision.images.plan import Build
    from provision.images.progress import Step

_KILOBYTE, _MEGABYTE = 1e3, 1e6
_WIDTH = 100


class _View:
    """A line for each step; with ``verbose``, everything that the builder prints."""

    def __init__(self, *, verbose: bool) -> None:
        self.verbose = verbose
        self._since = 0.0

    def started(self, build: Build, size: int) -> None:
        self._since = time.monotonic()
        click.echo(f"{build.reference}  (context {_size(size)})")

    def line(self, text: str) -> None:
        if self.verbose:
            click.echo(f"  {text}")

    def step(self, step: Step) -> None:
        if not self.verbose:
            text = f"  {time.monotonic() - self._since:5.1f} s  {step.place:<14} {step.text}"
            click.echo(text if len(text) <= _WIDTH else f"{text[: _WIDTH - 1]}…")

    def finished(self, build: Build, size: int, seconds: float) -> None:
        click.echo(f"  {seconds:5.1f} s  built, {_size(size)}\n")


def _size(count: int) -> str:
    if count < _MEGABYTE:
        return f"{count / _KILOBYTE:.0f} kB"
    return f"{count / _MEGABYTE:.1f} MB"


@click.command("build")
@click.option(
    "-s",
    "--source",
    required=True,
    type=click.Path(path_type=Path),
    help="The source tree: the directory with go.mod, cmd/ and python/.",
)
@click.option(
    "--image",
    "names",
    multiple=True,
    type=click.Choice(NAMES),
    default=DEPLOYED,
    show_default=True,
    help="Which to build; may be repeated.",
)
@click.option("--tag", help="Tag of the images. [default: the source's Git revision]")
@click.option("--registry", default="", metavar="PREFIX", help="What the images' names begin with.")
@click.option(
    "--base",
    "bases",
    multiple=True,
    metavar="KEY=IMAGE",
    help="Another base image: go, runtime or cuda; may be repeated.",
)
@click.option(
    "--build-arg",
    "arguments",
    multiple=True,
    metavar="NAME[=VALUE]",
    help="An ARG of the Dockerfiles, such as GOPROXY; without a value, the environment's.",
)
@click.option("-v", "--verbose", is_flag=True, help="Show everything that the builder prints.")
def command(
    source: Path,
    names: tuple[str, ...],
    tag: str | None,
    registry: str,
    bases: tuple[str, ...],
    arguments: tuple[str, ...],
    verbose: bool,
) -> None:
    """Build the images of your source with Docker (docs/images.md)."""
    from provision.images.build import perform
    from provision.images.plan import plan

    builds = plan(
        source,
        list(dict.fromkeys(names)),
        tag=tag,
        registry=registry,
        bases=_assignments(bases, "--base"),
        arguments=_arguments(arguments),
    )
    perform(builds, _View(verbose=verbose))


def _assignments(words: tuple[str, ...], option: str) -> dict[str, str]:
    given = {}
    for word in words:
        key, _, value = word.partition("=")
        if not key or not value:
            raise click.BadParameter(f"{word!r} is not KEY=VALUE", param_hint=option)
        given[key] = value
    return given


def _arguments(words: tuple[str, ...]) -> dict[str, str | None]:
    parts = (word.partition("=") for word in words)
    return {name: value if equals else None for name, equals, value in parts}
