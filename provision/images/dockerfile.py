"""What a Dockerfile asks for: its arguments, and the files that it copies out of its context."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Dockerfile:
    """The part of a Dockerfile that decides what a build needs.

    Args:
        arguments: every ``ARG`` with its default; None where it has none.
        copied: the sources of every ``COPY`` that takes from the context, in order, once each.

    """

    arguments: Mapping[str, str | None]
    copied: tuple[str, ...]


def parse(text: str) -> Dockerfile:
    """Read a Dockerfile; whether it is a good one is the builder's to say."""
    arguments: dict[str, str | None] = {}
    copied: dict[str, None] = {}
    for instruction, rest in _instructions(text):
        if instruction == "ARG":
            name, equals, default = rest.partition("=")
            value = default.strip().strip("\"'") if equals else None
            arguments[name.strip()] = value if value is not None else arguments.get(name.strip())
        elif instruction == "COPY":
            copied.update(dict.fromkeys(_copied(rest)))
    return Dockerfile(arguments, tuple(copied))


def _instructions(text: str) -> Iterator[tuple[str, str]]:
    """Yield each instruction and what follows it, with continued lines joined."""
    lines = (line for line in text.splitlines() if not line.lstrip().startswith("#"))
    pending = ""
    for line in lines:
        pending += line.strip()
        if pending.endswith("\\"):
            pending = pending[:-1] + " "
        elif pending:
            instruction, _, rest = pending.partition(" ")
            yield instruction.upper(), rest.strip()
            pending = ""


def _copied(rest: str) -> list[str]:
    words = rest.split()
    while words and words[0].startswith("--"):
        if words.pop(0).startswith("--from="):
            return []
    plain = " ".join(words)
    sources = json.loads(plain)[:-1] if plain.startswith("[") else words[:-1]
    return [str(source).removeprefix("./").rstrip("/") or "." for source in sources]
