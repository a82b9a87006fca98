"""The house's one rule: imports point downwards."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import provision
from provision.cli.main import COMMANDS

ROOMS = [
    "cli",
    "report",
    "engine",
    "playbook",
    "inventory",
    "tasks",
    "images",
    "verify",
    "stack",
    "lab",
    "transport",
    "agent",
    "templating",
]
FLOOR = {"aws", "source", "project", "errors", "templating"}
HEAVY = {"fabric", "paramiko", "docker", "jinja2", "rich", "pytest", "jsonschema", "testinfra"}
HEAVY |= {"boto3", "botocore"}
PACKAGE = Path(provision.__file__).parent


def modules(room: str) -> list[Path]:
    return sorted((PACKAGE / room).rglob("*.py"))


def imported_rooms(path: Path) -> set[str]:
    """The rooms that a module imports from, anywhere in it."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module)
        elif isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
    return {
        parts[1] for name in names if (parts := name.split("."))[0] == "provision" and parts[1:]
    }


@pytest.mark.parametrize("room", ROOMS)
def test_imports_point_downwards(room: str) -> None:
    below = set(ROOMS[ROOMS.index(room) :]) | FLOOR
    upward = {
        str(path.relative_to(PACKAGE)): sorted(rooms - below)
        for path in modules(room)
        if (rooms := imported_rooms(path)) - below
    }
    assert upward == {}


def test_every_room_is_listed() -> None:
    folders = {path.parent.name for path in PACKAGE.glob("*/__init__.py")}
    assert folders == set(ROOMS)


def test_the_agent_imports_nothing_of_ours_but_itself() -> None:
    others = {
        path.name: rooms for path in modules("agent") if (rooms := imported_rooms(path) - {"agent"})
    }
    assert others == {}


_LIST_HEAVY = f"""
import sys
from provision.cli.main import run
code = run(sys.argv[1:])
print(code, sorted({HEAVY!r} & set(sys.modules)), file=sys.stderr)
"""


@pytest.mark.parametrize("command", ["", *COMMANDS])
def test_help_imports_nothing_heavy(command: str) -> None:
    argv = [sys.executable, "-c", _LIST_HEAVY, *command.split(), "--help"]
    done = subprocess.run(argv, capture_output=True, text=True, check=True, timeout=60)
    assert done.stderr == "0 []\n"
    assert done.stdout.startswith(f"Usage: provision {command}".rstrip())
