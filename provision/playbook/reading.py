"""Takes the values of keywords out of a mapping, each checked and located."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, NoReturn, TypeVar

from provision.errors import Location, UsageError
from provision.playbook.model import Flag, Number
from provision.playbook.parameters import Parameter, convert
from provision.source import LocatedMapping, location_of
from provision.templating.markers import has_template

T = TypeVar("T")

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_BATCH = re.compile(r"[1-9][0-9]*%?")
_BOOL = Parameter(type="bool")


class Keywords:
    """The keywords of one play or task; a null value counts as not given, as in Ansible."""

    def __init__(self, mapping: LocatedMapping) -> None:
        self._mapping = mapping

    def where(self, key: str) -> Location:
        """Return where a keyword stands."""
        return location_of(self._mapping, key) or self._mapping.location

    def refuse(self, key: str, message: str, hint: str | None = None) -> NoReturn:
        """Raise an error about the value of a keyword."""
        where = location_of(self._mapping[key]) or self.where(key)
        raise UsageError(message, where=where, hint=hint)

    def given(self, key: str) -> Any:
        """Return the value as it stands, or None."""
        return self._mapping.get(key)

    def _read(self, key: str, read: Callable[[Any], T], default: T) -> T:
        value = self._mapping.get(key)
        return default if value is None else read(value)

    def text(self, key: str, default: str | None = None) -> str | None:
        """Return text; numbers count as text."""
        value = self._mapping.get(key)
        if isinstance(value, dict | list | bool):
            self.refuse(key, f"`{key}` must be text, not {_kind(value)}")
        return default if value is None else value if isinstance(value, str) else str(value)

    def flag(self, key: str) -> Flag | None:
        """Return yes, no, or a template of one."""
        value = self._mapping.get(key)
        if value is None or isinstance(value, bool) or _is_template(value):
            return value
        try:
            return bool(convert(key, value, _BOOL))
        except UsageError:
            self.refuse(key, f"`{key}` must be yes or no, not {value!r}")

    def number(self, key: str) -> Number | None:
        """Return a number that is not negative, or a template of one."""
        value = self._mapping.get(key)
        if value is None or _is_template(value):
            return value
        if isinstance(value, bool) or not isinstance(value, int | float) or value < 0:
            self.refuse(key, f"`{key}` must be a number from 0, not {value!r}")
        return value

    def names(self, key: str, separator: str | None = None) -> tuple[str, ...]:
        """Return one text or a list of texts; ``separator`` splits a text further."""
        value = self._mapping.get(key)
        items = [] if value is None else value if isinstance(value, list) else [value]
        for item in items:
            if isinstance(item, dict | list | bool) or item is None:
                self.refuse(key, f"`{key}` must be text or a list of texts, not {_kind(item)}")
        texts = [item if isinstance(item, str) else str(item) for item in items]
        if separator is None:
            return tuple(texts)
        return tuple(part.strip() for text in texts for part in text.split(separator))

    def variables(self, key: str) -> Mapping[str, object]:
        """Return a mapping of variables, whose names are checked."""
        value = self.mapping(key)
        for name in value:
            if not isinstance(name, str) or not _NAME.fullmatch(name):
                where = location_of(value, name)
                raise UsageError(
                    f"{name!r} cannot be the name of a variable",
                    where=where,
                    hint="use letters, digits and underscores, not beginning with a digit",
                )
        return value

    def variable(self, key: str) -> str | None:
        """Return the name of one variable."""
        name = self.text(key)
        if name is not None and not _NAME.fullmatch(name):
            self.refuse(
                key,
                f"{name!r} cannot be the name of a variable",
                "use letters, digits and underscores, not beginning with a digit",
            )
        return name

    def mapping(self, key: str) -> Mapping[str, object]:
        """Return a mapping, empty where it is not given."""
        value = self._mapping.get(key)
        if value is not None and not isinstance(value, dict):
            self.refuse(key, f"`{key}` must be a mapping, not {_kind(value)}")
        return value or {}

    def items(self, key: str) -> list[Any]:
        """Return a list, empty where it is not given."""
        value = self._mapping.get(key)
        if value is not None and not isinstance(value, list):
            self.refuse(key, f"`{key}` must be a list, not {_kind(value)}")
        return value or []

    def condition(self, key: str) -> object:
        """Return an expression, yes, no, or a list of them; None where it is not given."""
        value = self._mapping.get(key)
        for item in value if isinstance(value, list) else [value]:
            if item is not None and not isinstance(item, str | bool):
                self.refuse(key, f"`{key}` must be an expression, not {item!r}")
            if isinstance(item, str) and not item.strip():
                self.refuse(key, f"`{key}` is empty")
        return value

    def batches(self, key: str) -> tuple[int | str, ...]:
        """Return batch sizes: whole numbers from 1, percentages, or templates of them."""
        value = self._mapping.get(key)
        sizes = [] if value is None else value if isinstance(value, list) else [value]
        for size in sizes:
            fits = _is_template(size) or _BATCH.fullmatch(str(size))
            if isinstance(size, bool) or not fits:
                hint = 'write a number of hosts, such as 2, or a share of them, such as "30%"'
                self.refuse(key, f"`{key}` cannot be {size!r}", hint)
        return tuple(
            int(size) if str(size).isdecimal() else str(size) if not _is_template(size) else size
            for size in sizes
        )


def _is_template(value: object) -> bool:
    return isinstance(value, str) and has_template(value)


def _kind(value: object) -> str:
    kinds: dict[type, str] = {dict: "a mapping", list: "a list", bool: "yes or no", str: "text"}
    for cls, words in kinds.items():
        if isinstance(value, cls):
            return words
    return "nothing" if value is None else repr(value)
