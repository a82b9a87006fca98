"""What the linter has to say."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Literal

from provision.errors import Location

Level = Literal["error", "warning"]


@dataclass(frozen=True)
class Finding:
    """A fault of a Compose project.

    Attributes:
        rule: its name, as ``x-allow`` and the documentation call it.
        level: an error stops a deploy before any host is touched.
        service: the service at fault, None where it is the whole project.
        where: the template that it was rendered from.

    """

    rule: str
    level: Level
    service: str | None
    message: str
    hint: str
    where: Location | None = None

    def __str__(self) -> str:
        subject = f"{self.service}: " if self.service else ""
        place = f"{self.where}: " if self.where else ""
        return f"{place}{self.level}: {subject}{self.message} [{self.rule}]\n  hint: {self.hint}"


@dataclass(frozen=True)
class Problem:
    """A rule's verdict on one service."""

    message: str
    hint: str
    level: Level = "error"


@dataclass(frozen=True)
class Service:
    """A service and the model around it."""

    name: str
    spec: dict[str, Any]
    model: dict[str, Any]

    def mapping(self, *path: str) -> dict[str, Any]:
        """Return the mapping at ``path``, empty where there is none."""
        value: Any = self.spec
        for key in path:
            value = value.get(key) if isinstance(value, dict) else None
        return value if isinstance(value, dict) else {}

    def items(self, key: str) -> list[Any]:
        """Return the list at ``key``, empty where there is none; a string is a list of one."""
        value = self.spec.get(key)
        if isinstance(value, str):
            return [value]
        return value if isinstance(value, list) else []

    @property
    def image(self) -> str:
        """The image's reference."""
        return str(self.spec.get("image") or "")

    @property
    def one_shot(self) -> bool:
        """Whether the service is meant to end: it is neither restarted nor asked for its health."""
        return str(self.spec.get("restart", "")) in {"no", "False", "on-failure"}

    def sibling(self, name: str) -> Service | None:
        """Return another service of the model."""
        spec = (self.model.get("services") or {}).get(name)
        return Service(name, spec, self.model) if isinstance(spec, dict) else None


Rule = Callable[[Service], Iterator[Problem]]
RULES: dict[str, Rule] = {}


def rule(name: str) -> Callable[[Rule], Rule]:
    """Register a rule under the name that people read."""

    def register(function: Rule) -> Rule:
        RULES[name] = function
        return function

    return register
