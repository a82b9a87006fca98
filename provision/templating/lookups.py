"""Ansible's ``lookup()``, ``query()`` and ``now()``, for what can be read on the controller."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from provision.errors import UsageError, did_you_mean
from provision.templating.scope import Scope
from provision.templating.undefined import Missing


class _Active(threading.local):
    """The scopes that this thread is rendering for, innermost last."""

    def __init__(self) -> None:
        self.scopes: list[Scope] = []


_active = _Active()


@contextmanager
def on_behalf_of(scope: Scope) -> Iterator[None]:
    """Let lookups use the variables and search path of ``scope``."""
    _active.scopes.append(scope)
    try:
        yield
    finally:
        _active.scopes.pop()


def _env(name: str, default: object = "") -> object:
    return os.environ.get(name, default)


def _file(name: str, rstrip: bool = True, lstrip: bool = False) -> str:
    path = _active.scopes[-1].templater.find(name, "files")
    text = _read(path)
    text = text.lstrip() if lstrip else text
    return text.rstrip() if rstrip else text


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"the file {path} cannot be read: {error}") from error


def _template(name: str) -> object:
    scope = _active.scopes[-1]
    path = scope.templater.find(name, "templates").resolve()
    return scope.templater.engine().render_file(path, scope)


def _vars(name: str, **options: object) -> object:
    scope = _active.scopes[-1]
    if name in scope:
        return scope[name]
    return options["default"] if "default" in options else Missing(name=name)


LOOKUPS: dict[str, Callable[..., object]] = {
    "env": _env,
    "file": _file,
    "template": _template,
    "vars": _vars,
}


def query(plugin: str, *terms: Any, **options: Any) -> list[Any]:
    """Return one result for each term."""
    function = LOOKUPS.get(plugin.removeprefix("ansible.builtin."))
    if function is None:
        raise UsageError(f"there is no lookup {plugin!r}", hint=did_you_mean(plugin, LOOKUPS))
    return [function(term, **options) for term in terms]


def lookup(plugin: str, *terms: Any, wantlist: bool = False, **options: Any) -> Any:
    """Return the result; several are joined by commas when they are text, as in Ansible."""
    results = query(plugin, *terms, **options)
    if wantlist or not results:
        return results
    if len(results) == 1:
        return results[0]
    return ",".join(results) if all(isinstance(result, str) for result in results) else results


def now(utc: bool = False, fmt: str | None = None) -> datetime | str:
    """Return the current time, formatted with ``fmt`` where that is given."""
    moment = datetime.now(UTC).replace(tzinfo=None) if utc else datetime.now()
    return moment.strftime(fmt) if fmt else moment


GLOBALS: dict[str, Callable[..., object]] = {
    "lookup": lookup,
    "query": query,
    "q": query,
    "now": now,
}
