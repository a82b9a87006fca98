"""Images built one after another, by the ``docker`` command."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterable
from typing import Protocol

from provision.errors import ExitCode, ProvisionError
from provision.images import context, docker_cli
from provision.images.plan import Build
from provision.images.progress import Output, Step


class BuildError(ProvisionError):
    """A step of a build failed."""

    exit_code = ExitCode.FAILED


class View(Protocol):
    """Who hears of a build's progress."""

    def started(self, build: Build, size: int) -> None:
        """``size`` bytes of context go to the builder."""

    def line(self, text: str) -> None:
        """Hear what the builder printed."""

    def step(self, step: Step) -> None:
        """Hear of a step that began."""

    def finished(self, build: Build, size: int, seconds: float) -> None:
        """Hear of an image of ``size`` bytes that is there now."""


def perform(builds: Iterable[Build], view: View) -> None:
    """Build the images.

    Raises:
        BuildError: with the step that failed, and its last lines.

    """
    docker_cli.ensure_docker()
    for build in builds:
        _perform(build, view)


def _perform(build: Build, view: View) -> None:
    started = time.monotonic()
    output = Output()

    def hear(line: str) -> None:
        view.line(line)
        step = output.read(line)
        if step is not None:
            view.step(build.explain(step))

    with tempfile.TemporaryFile(prefix="provision-build-") as packed:
        size = context.write(build.recipe, build.source, packed)
        packed.seek(0)
        view.started(build, size)
        code = docker_cli.stream(build.command(), packed, hear)
    if code:
        where = f" at {build.explain(output.step)}" if output.step else ""
        tail = "".join(f"\n  {line}" for line in output.tail)
        raise BuildError(
            f"building {build.recipe.name} failed{where}{tail}", hint=_hint(build, output)
        )
    seconds = time.monotonic() - started
    view.finished(build, docker_cli.image_size(build.reference), seconds)


def _hint(build: Build, output: Output) -> str | None:
    """Return what helps where a base image cannot be had; a step's own output says the rest."""
    if not output.lacks_base:
        return None
    keys = ", ".join(sorted(build.recipe.bases))
    return f"check the image's name, or take another one: --base KEY=IMAGE ({keys})"
