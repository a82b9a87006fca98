"""The house's one rule: imports point downwards."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

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
import contextlib, io, json, sys
from provision.cli.main import run
for command in sys.argv[1:]:
    with contextlib.redirect_stdout(io.StringIO()) as page:
        code = run([*command.split(), "--help"])
    print(json.dumps([code, sorted({HEAVY!r} & set(sys.modules)), page.getvalue()]))
"""


@pytest.fixture(scope="module")
def helped() -> dict[str, list[Any]]:
    """What each command's ``--help`` returned, had imported by then, and printed; one process."""
    commands = ["", *COMMANDS]
    argv = [sys.executable, "-c", _LIST_HEAVY, *commands]
    done = subprocess.run(argv, capture_output=True, text=True, check=True, timeout=60)
    assert done.stderr == ""
    return dict(zip(commands, map(json.loads, done.stdout.splitlines()), strict=True))


@pytest.mark.parametrize("command", ["", *COMMANDS])
def test_help_imports_nothing_heavy(command: str, helped: dict[str, list[Any]]) -> None:
    code, heavy, page = helped[command]
    assert (code, heavy) == (0, [])
    assert page.startswith(f"Usage: provision {command}".rstrip())
