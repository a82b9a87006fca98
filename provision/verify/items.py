"""What pytest's test items are about, in the words of checks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pytest

from provision.errors import UsageError, did_you_mean
from provision.verify.node import Node


def node_of(item: pytest.Item) -> Node | None:
    """Return the host that a test is about."""
    callspec = getattr(item, "callspec", None)
    found = callspec.params.get("node") if callspec is not None else None
    return found if isinstance(found, Node) else None


def is_about_something(item: pytest.Item) -> bool:
    """Tell a test from what pytest makes of one that no host is left for."""
    callspec = getattr(item, "callspec", None)
    return callspec is None or "node" not in callspec.params or node_of(item) is not None


def suite_of(item: pytest.Item) -> str:
    """Return a test's subject: its role, or the file's name without ``test_``."""
    callspec = getattr(item, "callspec", None)
    role = callspec.params.get("role") if callspec is not None else None
    return str(role) if role else item.path.stem.removeprefix("test_").removesuffix("_test")


def sentence_of(item: pytest.Item) -> str:
    """Return what a test says of a host: the first line of its docstring, else its name."""
    text = (getattr(getattr(item, "obj", None), "__doc__", None) or "").strip().partition("\n")[0]
    named = text.rstrip(".") or item.originalname.removeprefix("test_").replace("_", " ")  # type: ignore[attr-defined]
    others = {
        name: value
        for name, value in getattr(getattr(item, "callspec", None), "params", {}).items()
        if name not in {"node", "role"}
    }
    return f"{named} [{', '.join(map(str, others.values()))}]" if others else named


def tags_of(item: pytest.Item) -> set[str]:
    """Return what ``--tags`` may call a test: its subject, its file's, and its marks."""
    stem = item.path.stem.removeprefix("test_").removesuffix("_test")
    return {suite_of(item), stem, *(mark.name for mark in item.iter_markers())} - {"parametrize"}


def choose(items: list[pytest.Item], tags: frozenset[str]) -> list[pytest.Item]:
    """Return the tests that have one of the tags; a tag that no test has is an error."""
    if not tags:
        return items
    known = {tag for item in items for tag in tags_of(item)}
    for tag in sorted(tags - known):
        hint = did_you_mean(tag, known) or f"there are: {', '.join(sorted(known))}"
        raise UsageError(f"no check of these hosts is tagged {tag!r}", hint=hint)
    return [item for item in items if tags_of(item) & tags]


def by_host(items: list[pytest.Item], order: Sequence[str]) -> Iterator[pytest.Item]:
    """Yield the tests host by host, those about no single host first."""
    places = {name: place for place, name in enumerate(order)}

    def place(item: pytest.Item) -> int:
        node = node_of(item)
        return -1 if node is None else places[node.name]

    yield from sorted(items, key=place)
