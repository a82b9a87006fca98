"""The options of an inventory file that configures a plugin, each read with its type and line."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from provision.errors import Location, UsageError, did_you_mean
from provision.source import LocatedMapping, location_of
from provision.templating import Templater

_TRUE = {"yes", "on", "true", "1"}
_FALSE = {"no", "off", "false", "0"}


class Options:
    """A mapping of the user's.

    Args:
        values: the mapping.
        where: its place, for what has none of its own.
        within: what it is a part of, such as ``keyed_groups``; for messages.

    """

    def __init__(self, values: Mapping[Any, Any], where: Location, within: str = "") -> None:
        self.values = values
        self.where = where
        self._within = within

    def place(self, key: str) -> Location:
        """Return where ``key`` is written."""
        return location_of(self.values, key) or self.where

    def error(self, key: str, problem: str, hint: str | None = None) -> UsageError:
        """Return the error to raise about ``key``."""
        name = f"{self._within}: {key}" if self._within else key
        return UsageError(f"{name}: {problem}", where=self.place(key), hint=hint)

    def refuse_unknown(
        self, known: Collection[str], elsewhere: Mapping[str, str] | None = None
    ) -> None:
        """Refuse keys that are not known.

        Args:
            known: those that are.
            elsewhere: those that Ansible knows and we do not, and what to do instead.

        """
        for key in self.values:
            if elsewhere and key in elsewhere:
                raise self.error(str(key), "this option is not supported", elsewhere[key])
            if key not in known:
                raise self.error(str(key), "there is no such option", did_you_mean(str(key), known))

    def text(self, key: str, default: str | None = None) -> str | None:
        """Return a text; a template in it is rendered, ``lookup('env', …)`` above all."""
        value = self.values.get(key)
        if value is None:
            return default
        rendered = Templater({}).render(value, self.place(key))
        if isinstance(rendered, bool) or not isinstance(rendered, str | int | float):
            raise self.error(key, f"must be a text, not {rendered!r}")
        return str(rendered)

    def flag(self, key: str, default: bool) -> bool:
        """Return a truth value."""
        value = self.values.get(key)
        if value is None:
            return default
        if str(value).lower() not in _TRUE | _FALSE:
            raise self.error(key, f"must be true or false, not {value!r}")
        return str(value).lower() in _TRUE

    def number(self, key: str, default: int) -> int:
        """Return a whole number, zero or more."""
        value = self.values.get(key, default)
        if isinstance(value, bool) or not str(value).isdecimal():
            raise self.error(key, f"must be a whole number, not {value!r}")
        return int(value)

    def texts(self, key: str) -> tuple[str, ...]:
        """Return a list of texts, templates rendered; one text stands for a list of it."""
        value = self.values.get(key)
        rendered = Templater({}).render(value, self.place(key))
        items = [rendered] if isinstance(rendered, str) else rendered
        if items is None:
            return ()
        if not isinstance(items, list) or not all(isinstance(item, str) for item in items):
            raise self.error(key, f"must be a list of texts, not {rendered!r}")
        return tuple(map(str, items))

    def mapping(self, key: str) -> Mapping[Any, Any]:
        """Return a mapping, empty where none is given."""
        value = self.values.get(key)
        if value is None:
            return {}
        if not isinstance(value, LocatedMapping):
            raise self.error(key, "must be a mapping", "write each entry as 'name: value'")
        return value

    def entries(self, key: str) -> tuple[Any, ...]:
        """Return the items of a list, whatever they are."""
        value = self.values.get(key)
        if value is None:
            return ()
        if not isinstance(value, list):
            raise self.error(key, "must be a list", "begin each item with '-'")
        return tuple(value)

    def mappings(self, key: str) -> tuple[Options, ...]:
        """Return the items of a list of mappings."""
        return tuple(self._part(key, item) for item in self.entries(key))

    def _part(self, key: str, item: object) -> Options:
        where = location_of(item) or self.place(key)
        if not isinstance(item, LocatedMapping):
            raise UsageError(f"{key}: each item must be a mapping, not {item!r}", where=where)
        return Options(item, where, key)
