"""The images that can be built of a source tree, and what each needs of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from provision import project
from provision.errors import UsageError
from provision.images import dockerfile
from provision.source import read_text

NAMES = ("game-server", "experience-buffer", "rl-agent", "dev")
DEPLOYED = ("game-server", "experience-buffer", "rl-agent")

OURS = "docker"
"""Sources below it are the project's own: health probe, entry point. All others are the user's."""

_BASE = "_IMAGE"
_MAIN = "MAIN"
_GLOB = frozenset("*?[")


@dataclass(frozen=True)
class Recipe:
    """How one image is built.

    Args:
        name: of the image, and of its directory below ``docker/``.
        dockerfile: the text of the Dockerfile.
        ignored: the patterns of the ``Dockerfile.dockerignore`` beside it.
        arguments: the build's ``ARG``s with their defaults.
        copied: what the Dockerfile copies out of its context.

    """

    name: str
    dockerfile: str
    ignored: tuple[str, ...]
    arguments: Mapping[str, str | None]
    copied: tuple[str, ...]

    @property
    def path(self) -> str:
        """Where the Dockerfile lies in the context."""
        return f"{OURS}/{self.name}/Dockerfile"

    @property
    def bases(self) -> dict[str, str]:
        """The argument of each base image by its short name: ``go`` for ``GO_IMAGE``."""
        names = (name for name in self.arguments if name.endswith(_BASE))
        return {name.removesuffix(_BASE).lower(): name for name in names}

    def needs(self, arguments: Mapping[str, str | None]) -> list[str]:
        """Return the paths that the source tree must have for a build with ``arguments``."""
        paths = [path for path in self.copied if not _is_ours(path) and not _GLOB & set(path)]
        main = arguments.get(_MAIN) or self.arguments.get(_MAIN)
        return [path for path in [*paths, main] if path and path != "."]

    def own_files(self) -> dict[str, Path]:
        """Return the project's files that the Dockerfile copies, by their path in the context."""
        files: dict[str, Path] = {}
        for path in filter(_is_ours, self.copied):
            found = project.find(OURS, path.removeprefix(f"{OURS}/"))
            below = [found] if found.is_file() else sorted(found.rglob("*"))
            files.update(
                {f"{path}/{file.relative_to(found)}".removesuffix("/."): file for file in below}
            )
        return {name: file for name, file in files.items() if file.is_file()}


def _is_ours(path: str) -> bool:
    return path.startswith(f"{OURS}/")


def load(name: str) -> Recipe:
    """Read the recipe of ``name``: the project directory's own, else the shipped one."""
    path = project.find(OURS, f"{name}/Dockerfile")
    text = read_text(path)
    beside = path.with_name(f"{path.name}.dockerignore")
    ignored = read_text(beside).splitlines() if beside.is_file() else []
    parsed = dockerfile.parse(text)
    return Recipe(
        name=name,
        dockerfile=text,
        ignored=tuple(line.strip() for line in ignored if line.strip() and line[0] != "#"),
        arguments=parsed.arguments,
        copied=parsed.copied,
    )


def missing(recipe: Recipe, source: Path, arguments: Mapping[str, str | None]) -> list[str]:
    """Return what ``recipe`` needs and ``source`` does not have.

    Raises:
        UsageError: when ``source`` is no directory.

    """
    if not source.is_dir():
        raise UsageError(
            f"the source tree {source} is not a directory",
            hint="--source is the directory with go.mod, cmd/ and python/",
        )
    return [path for path in recipe.needs(arguments) if not (source / path).exists()]
