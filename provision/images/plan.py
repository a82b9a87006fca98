"""What is to be built: names, tags and options checked for all images before any is begun."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from provision.errors import Location, UsageError, did_you_mean
from provision.images import recipe, revision
from provision.images.progress import Step
from provision.images.recipe import Recipe

_PREFIX = re.compile(r"[a-z0-9]+([._-]+[a-z0-9]+)*(:\d+)?(/[a-z0-9]+([._-]+[a-z0-9]+)*)*")
_REFERENCE = re.compile(r"\$(?P<brace>\{)?(?P<name>\w+)(?(brace)\})")
_REPOSITORY = "generals-"
# What Docker takes for every build: https://docs.docker.com/build/building/variables/
_PREDEFINED = frozenset(
    name
    for proxy in ("HTTP", "HTTPS", "FTP", "NO", "ALL")
    for name in (f"{proxy}_PROXY", f"{proxy.lower()}_proxy")
)

Assignments = Mapping[str, str | None]
"""Values by name; None takes the value from the environment, so that no argument list shows it."""


@dataclass(frozen=True)
class Build:
    """One image to build.

    Args:
        recipe: of what.
        source: the user's source tree.
        reference: the image's full name, with its tag.
        arguments: the build arguments given.
        labels: the image's labels.

    """

    recipe: Recipe
    source: Path
    reference: str
    arguments: Assignments = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)

    def explain(self, step: Step) -> Step:
        """Return ``step`` with its build arguments filled in, as far as they are known here."""
        values = {**self.recipe.arguments, **self.arguments}

        def value(match: re.Match[str]) -> str:
            return values.get(match["name"]) or match[0]

        return Step(step.place, _REFERENCE.sub(value, step.text))

    def command(self) -> list[str]:
        """Return the arguments of ``docker`` that build a context given on standard input."""
        given = [
            name if value is None else f"{name}={value}" for name, value in self.arguments.items()
        ]
        labels = [f"{name}={value}" for name, value in self.labels.items()]
        return [
            "build",
            *("--file", self.recipe.path),
            *("--tag", self.reference),
            *(word for item in given for word in ("--build-arg", item)),
            *(word for item in labels for word in ("--label", item)),
            "-",
        ]


def plan(
    source: Path,
    names: Sequence[str],
    *,
    tag: str | None = None,
    registry: str = "",
    bases: Mapping[str, str] | None = None,
    arguments: Assignments | None = None,
) -> list[Build]:
    """Return the builds of ``names``, after everything has been checked that can be.

    Args:
        source: directory with ``go.mod``, ``cmd/``, ``python/`` ….
        names: of ``recipe.NAMES``.
        tag: of all images; without one, the source's Git revision.
        registry: prefix of the images' names, such as ``registry.example.com/team``.
        bases: base images by short name (``go``, ``runtime``, ``cuda``).
        arguments: further build arguments. Each image gets those that its Dockerfile declares; one
            that no image declares is an error.

    Raises:
        UsageError: naming everything that the source tree lacks, or the option that is wrong.

    """
    every = {name: recipe.load(name) for name in (*names, *recipe.NAMES)}
    given = _base_arguments(every.values(), bases or {}) | _known(every.values(), arguments or {})
    recipes = [every[name] for name in names]
    _refuse_missing(recipes, source, given)
    chosen = revision.choose_tag(source, tag)
    prefix = f"{_registry(registry)}/" if registry else ""
    labels = _labels(source, chosen)
    return [
        Build(
            one,
            source,
            f"{prefix}{_REPOSITORY}{one.name}:{chosen}",
            {k: v for k, v in given.items() if k in one.arguments or k in _PREDEFINED},
            labels,
        )
        for one in recipes
    ]


def _base_arguments(recipes: Iterable[Recipe], bases: Mapping[str, str]) -> dict[str, str | None]:
    known = {key: name for one in recipes for key, name in one.bases.items()}
    for key in bases:
        if key not in known:
            raise UsageError(f"no image has a base called {key!r}", hint=did_you_mean(key, known))
    return {known[key]: image for key, image in bases.items()}


def _known(recipes: Iterable[Recipe], arguments: Assignments) -> dict[str, str | None]:
    declared = {name for one in recipes for name in one.arguments}
    for name in arguments:
        if name not in declared | _PREDEFINED:
            raise UsageError(
                f"no Dockerfile has an ARG {name!r}", hint=did_you_mean(name, declared)
            )
    return dict(arguments)


def _refuse_missing(recipes: Sequence[Recipe], source: Path, arguments: Assignments) -> None:
    problems = [
        f"{one.name} needs {', '.join(lacking)}"
        for one in recipes
        if (lacking := recipe.missing(one, source, arguments))
    ]
    if problems:
        raise UsageError(
            "not the source tree of these images: " + "; ".join(problems),
            where=Location(str(source)),
            hint="--source is the directory with go.mod, cmd/ and python/; "
            "--image NAME builds only what it has",
        )


def _registry(prefix: str) -> str:
    trimmed = prefix.rstrip("/")
    if not _PREFIX.fullmatch(trimmed):
        raise UsageError(
            f"{prefix!r} cannot begin an image's name",
            hint="a host, perhaps a port, and a path in lower case: registry.example.com:5000/team",
        )
    return trimmed


def _labels(source: Path, tag: str) -> dict[str, str]:
    """Return the labels of the OCI image specification that say where an image comes from."""
    names = {"version": tag, "revision": revision.describe(source)}
    return {f"org.opencontainers.image.{name}": value for name, value in names.items() if value}
