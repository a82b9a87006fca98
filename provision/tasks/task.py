"""What a task is: a typed function over a host, callable from playbooks by its name."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from pkgutil import iter_modules
from typing import Any, TypeVar

from provision.errors import UsageError, did_you_mean

TaskFunction = Callable[..., None]
_Function = TypeVar("_Function", bound=TaskFunction)

_registry: dict[str, TaskFunction] = {}


def task(function: _Function) -> _Function:
    """Register a function ``(host: Host, *, parameter: type = default, …) -> None`` as a task.

    Playbooks call it by its name; its keyword-only parameters are the entry's parameters, checked
    against their annotations before any host is touched.
    """
    _registry[function.__name__] = function
    return function


def tasks() -> Mapping[str, TaskFunction]:
    """Return every shipped task by name."""
    from provision.tasks import library

    for module in iter_modules(library.__path__):
        importlib.import_module(f"{library.__name__}.{module.name}")
    return _registry


def find_task(name: str) -> TaskFunction:
    """Return the task called ``name``."""
    known: Mapping[str, Any] = tasks()
    if name not in known:
        raise UsageError(f"there is no task {name!r}", hint=did_you_mean(name, known))
    return _registry[name]
