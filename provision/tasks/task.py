"""What a task is: a typed function over a host, called by its name from playbooks."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import TypeVar

TaskFunction = Callable[..., None]
_Function = TypeVar("_Function", bound=TaskFunction)


def task(function: _Function) -> _Function:
    """Declare ``function(host: Host, *, parameter: type = default, …) -> None`` a task.

    Its keyword-only parameters are what a playbook's entry may give, checked against their
    annotations before any host is touched.
    """
    parameters = list(inspect.signature(function).parameters.values())[1:]
    if any(parameter.kind is not parameter.KEYWORD_ONLY for parameter in parameters):
        raise TypeError(f"task {function.__name__}: all parameters but the host are keyword-only")
    return function


class Library(Mapping[str, TaskFunction]):
    """The shipped tasks: ``library/<name>.py`` holds the task of that name; imported when used."""

    def __getitem__(self, name: str) -> TaskFunction:
        if name not in _names():
            raise KeyError(name)
        module = importlib.import_module(f"provision.tasks.library.{name}")
        function: TaskFunction = getattr(module, name)
        return function

    def __iter__(self) -> Iterator[str]:
        return iter(_names())

    def __len__(self) -> int:
        return len(_names())


@cache
def _names() -> tuple[str, ...]:
    files = sorted((Path(__file__).parent / "library").glob("*.py"))
    return tuple(file.stem for file in files if file.stem != "__init__")


def tasks() -> Mapping[str, TaskFunction]:
    """Return the shipped tasks by name."""
    return Library()
