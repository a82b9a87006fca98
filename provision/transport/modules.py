"""The agent's modules as they travel: first what every session needs, the others when needed.

All of the agent would take a slow connection several round trips more than its first flight of
packets (10 segments, RFC 6928) can carry; what every session needs fits into one.
"""

from __future__ import annotations

import binascii
import functools
import json
import re
import threading
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import ParamSpec, TypeVar

_ROOT = Path(__file__).parent.parent.parent
_AGENT = "provision.agent"
BOOTSTRAP = "provision.agent.bootstrap"
# Parsing the modules properly would take longer than everything else of a run that changes nothing.
_IMPORT = re.compile(
    r"^ *(?:import|from) (provision\.agent[\w.]*)(?: import (?:\(([^)]*)|(.*)))?", re.MULTILINE
)
_DOCSTRING = re.compile(r'^( *)"""(?:[^"]|"(?!""))*"""$', re.MULTILINE)
_P = ParamSpec("_P")
_T = TypeVar("_T")
_lock = threading.RLock()


def once(function: Callable[_P, _T]) -> Callable[_P, _T]:
    """Compute a result for all hosts: they start at the same moment, and all but one wait."""
    cached = functools.cache(function)

    @functools.wraps(function)
    def locked(*args: _P.args, **kwargs: _P.kwargs) -> _T:
        with _lock:
            return cached(*args, **kwargs)  # type: ignore[arg-type]

    return locked


@once
def core() -> frozenset[str]:
    """Return the modules without which no session starts."""
    return _with_imports(BOOTSTRAP) - {BOOTSTRAP}


@once
def needed_by(module: str) -> frozenset[str]:
    """Return the modules that one of the agent's needs and that are not among ``core``."""
    return _with_imports(module) - core()


@once
def packed(names: frozenset[str]) -> str:
    """Return modules as a "modules" message holds them, see ``provision.agent.session``."""
    text = json.dumps({name: source(name) for name in sorted(names)})
    return binascii.b2a_base64(zlib.compress(text.encode(), 9), newline=False).decode()


@functools.cache
def source(name: str) -> str:
    """Return a module's code as it travels; packages above the agent are empty on a host."""
    path = _file(name)
    if path is None or not name.startswith(_AGENT):
        return ""
    return _DOCSTRING.sub(_blank, path.read_text(encoding="utf-8"))


def _blank(docstring: re.Match[str]) -> str:
    """Return nothing, on as many lines: a failure on a host names the line that it has here."""
    return docstring[1] + '""' + "\n" * docstring[0].count("\n")


@functools.cache
def _file(name: str) -> Path | None:
    path = _ROOT.joinpath(*name.split("."))
    candidates = (path / "__init__.py", path.with_suffix(".py"))
    return next((each for each in candidates if each.exists()), None)


def _with_imports(name: str) -> frozenset[str]:
    """Return a module, the packages around it, and whatever these import of the agent."""
    found: set[str] = set()
    waiting = [name]
    while waiting:
        each = waiting.pop()
        if each not in found and _file(each) is not None:
            found.add(each)
            waiting += [each.rpartition(".")[0], *_imports(each)]
    return frozenset(found)


@functools.cache
def _imports(name: str) -> tuple[str, ...]:
    """Return what a module imports of the agent, at its top or inside a function."""
    names = []
    for module, several, one in _IMPORT.findall(source(name)):
        names += [module, *(f"{module}.{each}" for each in re.findall(r"\w+", several or one))]
    return tuple(names)
