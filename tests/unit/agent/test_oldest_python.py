"""What travels runs on Python 3.8 with nothing installed, and starts fast."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

import provision.agent

FOLDER = Path(provision.agent.__file__).parent
MODULES = sorted(FOLDER.rglob("*.py"))
OLDEST = (3, 8)
NEWER_METHODS = {"removeprefix", "removesuffix", "bit_count", "is_relative_to"}
NEWER_MODULES = {"zoneinfo", "tomllib", "graphlib"}  # in newer standard libraries only
SLOW = {"subprocess", "shutil", "difflib", "inspect", "dataclasses", "pathlib", "tempfile"}
STARTED_WITH = {"provision/agent/process.py": {"subprocess"}}  # every session runs programs


@cache
def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), str(path), feature_version=OLDEST)


def imports(nodes: Iterator[ast.AST]) -> Iterator[str]:
    for node in nodes:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or ""


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(FOLDER)))
def test_module(path: Path) -> None:
    tree = tree_of(path)
    for name in imports(ast.walk(tree)):
        top = name.split(".")[0]
        assert top in sys.stdlib_module_names or name.startswith("provision.agent"), name
        assert top not in NEWER_MODULES, name
    annotations = set(in_annotations(tree))
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute):
            assert node.attr not in NEWER_METHODS, f"line {node.lineno}: {node.attr}"
        if isinstance(node, ast.Subscript) and node not in annotations:
            assert not is_builtin(node.value), f"line {node.lineno}: list[…] at run time"


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(FOLDER)))
def test_nothing_slow_is_imported_at_once(path: Path) -> None:
    at_once = {name.split(".")[0] for name in imports(iter(tree_of(path).body))}
    allowed = STARTED_WITH.get(str(path.relative_to(FOLDER.parent.parent)), set())
    assert not at_once & SLOW - allowed


def in_annotations(tree: ast.Module) -> Iterator[ast.AST]:
    for node in ast.walk(tree):
        for field in ("annotation", "returns"):
            if annotation := getattr(node, field, None):
                yield from ast.walk(annotation)


def is_builtin(node: ast.AST) -> bool:
    return isinstance(node, ast.Name) and node.id in {"list", "dict", "tuple", "set", "type"}


def test_a_session_starts_without_what_it_does_not_need() -> None:
    root = str(FOLDER.parent.parent)
    code = f"import sys; sys.path[:0] = [{root!r}]; import provision.agent.session as s; "
    argv = [sys.executable, "-I", "-S", "-c", code + "print(*sys.modules)"]
    done = subprocess.run(argv, capture_output=True, text=True, check=True)
    unwanted = SLOW - {"subprocess"} | {"urllib.request", "ssl", "email", "asyncio"}
    assert not set(done.stdout.split()) & unwanted
