"""Which modules travel with a resource."""

from __future__ import annotations

import ast
from pathlib import Path

import provision.agent
from provision.transport.launch import first_bytes
from provision.transport.modules import needed_by, source

AGENT = Path(provision.agent.__file__).parent
FIRST_FLIGHT = 10 * 1400  # bytes: RFC 6928's initial window, less the headers


def test_a_resource_that_stands_for_others_brings_their_modules() -> None:
    kinds = {f"provision.agent.resources.{name}" for name in ("apt", "dnf")}
    assert kinds <= needed_by("provision.agent.resources.package")


def test_only_the_session_loads_kinds_by_name() -> None:
    """What is imported by a computed name would not be found here, and not be sent."""
    users = [
        path.name
        for path in AGENT.rglob("*.py")
        if "resources import load" in path.read_text(encoding="utf-8")
    ]
    assert users == ["session.py"]


def test_what_every_session_needs_fits_one_flight_of_packets() -> None:
    assert len(first_bytes()) < FIRST_FLIGHT


def test_modules_travel_without_their_docstrings_and_are_otherwise_the_same() -> None:
    for path in AGENT.rglob("*.py"):
        parts = path.relative_to(AGENT.parent.parent).with_suffix("").parts
        travelling = source(".".join(parts).removesuffix(".__init__"))
        written = path.read_text(encoding="utf-8")
        assert _code(travelling) == _code(written)
        assert travelling.count("\n") == written.count("\n")  # tracebacks name the same lines


def _code(text: str) -> str:
    tree = ast.parse(text)
    for node in ast.walk(tree):
        kinds = (ast.Module, ast.ClassDef, ast.FunctionDef)
        if isinstance(node, kinds) and ast.get_docstring(node) is not None:
            del node.body[0]
    return ast.dump(tree)
