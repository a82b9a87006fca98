"""Variables as expressions see them: rendered when they are looked at, not before."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from provision.errors import UsageError
from provision.source import LocatedString
from provision.templating.markers import is_template

if TYPE_CHECKING:
    from provision.templating.templater import Templater


class _Active(threading.local):
    """The variables being rendered by this thread, outermost first."""

    def __init__(self) -> None:
        self.chain: list[tuple[int, int, str]] = []


_active = _Active()


class Scope(Mapping[str, Any]):
    """The variables of one ``Templater``."""

    __slots__ = ("templater",)

    def __init__(self, templater: Templater) -> None:
        self.templater = templater

    def __getitem__(self, name: str) -> Any:
        return self.look_at(self.templater.variables[name], name)

    def __contains__(self, name: object) -> bool:
        return name in self.templater.variables

    def __iter__(self) -> Iterator[str]:
        return iter(self.templater.variables)

    def __len__(self) -> int:
        return len(self.templater.variables)

    def look_at(self, raw: object, label: str) -> Any:
        """Return ``raw`` for use in an expression; ``label`` names it in a circle of variables."""
        if isinstance(raw, dict):
            return LazyMapping(raw, self, label)
        if isinstance(raw, list):
            return LazyList(raw, self, label)
        if isinstance(raw, LocatedString) and is_template(raw):
            return self._evaluate(raw, label)
        return raw

    def _evaluate(self, raw: LocatedString, label: str) -> Any:
        key = (id(self.templater.variables), id(raw))
        chain = _active.chain
        for position, (variables, string, _) in enumerate(chain):
            if (variables, string) == key:
                names = [name for _, _, name in chain[position:]]
                circle = " -> ".join([*names, label])
                raise UsageError(
                    f"variables are defined by each other: {circle}", where=raw.location
                )
        chain.append((*key, label))
        try:
            return self.templater.engine().evaluate(raw, self)
        finally:
            chain.pop()


class LazyMapping(Mapping[Any, Any]):
    """A mapping among the variables."""

    __slots__ = ("_label", "_raw", "_scope")

    def __init__(self, raw: Mapping[Any, Any], scope: Scope, label: str) -> None:
        self._raw = raw
        self._scope = scope
        self._label = label

    def __getitem__(self, key: object) -> Any:
        return self._scope.look_at(self._raw[key], f"{self._label}.{key}")

    def __contains__(self, key: object) -> bool:
        return key in self._raw

    def __iter__(self) -> Iterator[Any]:
        return iter(self._raw)

    def __len__(self) -> int:
        return len(self._raw)

    def __repr__(self) -> str:
        return _shown(self)


class LazyList(Sequence[Any]):
    """A list among the variables; adding to it makes an ordinary list."""

    __slots__ = ("_label", "_raw", "_scope")

    def __init__(self, raw: list[Any], scope: Scope, label: str) -> None:
        self._raw = raw
        self._scope = scope
        self._label = label

    def __getitem__(self, index: int | slice) -> Any:
        if isinstance(index, slice):
            return LazyList(self._raw[index], self._scope, self._label)
        return self._scope.look_at(self._raw[index], f"{self._label}[{index}]")

    def __len__(self) -> int:
        return len(self._raw)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, list | LazyList) and list(self) == list(other)

    __hash__ = None  # type: ignore[assignment]  # like a list's

    def __add__(self, other: Iterable[Any]) -> list[Any]:
        return [*self, *other]

    def __radd__(self, other: Iterable[Any]) -> list[Any]:
        return [*other, *self]

    def __mul__(self, times: int) -> list[Any]:
        return list(self) * times

    def __repr__(self) -> str:
        return _shown(self)


def _shown(value: LazyMapping | LazyList) -> str:
    from provision.templating.resolving import resolve

    return repr(resolve(value))
