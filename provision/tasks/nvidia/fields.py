"""The fields of a YAML mapping: read once each, what is left over is a mistake."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from provision.errors import Location, UsageError, did_you_mean, nearest
from provision.source import location_of


class Fields:
    """Reads fields by name and kind, and knows which ones there could have been.

    Args:
        mapping: as read from the file.
        where: the place of the mapping, for what is missing in it.
        name: of the mapping itself, for messages; "" for the whole file.

    """

    def __init__(self, mapping: Mapping[Any, Any], where: Location | None, name: str = "") -> None:
        self._mapping = mapping
        self._where = where
        self._name = name
        self._known: list[str] = []

    @classmethod
    def of(cls, document: object, path: str) -> Fields:
        """Read a whole file, which must be a mapping."""
        if not isinstance(document, Mapping):
            raise UsageError("a mapping of fields is expected here", where=Location(path, 1))
        return cls(document, Location(path))

    def names(self) -> Sequence[str]:
        """Return the names that are given, whatever they are."""
        return [str(name) for name in self._mapping]

    def has(self, name: str) -> bool:
        """Tell whether a field is given."""
        return self._get(name) is not None

    def is_mapping(self, name: str) -> bool:
        """Tell whether a field is given as a mapping."""
        return isinstance(self._get(name), Mapping)

    def text(self, name: str, default: str | None = None) -> str:
        """Return a text; without a default it must be given."""
        found = self._get(name)
        if found is None:
            if default is None:
                raise self._missing(name)
            return default
        if not isinstance(found, str):
            raise self._wrong(name, f"a text, not {found!r}", "put it in quotes")
        return found

    def matching(self, name: str, pattern: re.Pattern[str], what: str) -> str:
        """Return a text that looks like ``what``, or ""."""
        found = self.text(name, "")
        if found and not pattern.fullmatch(found):
            raise self._wrong(name, f"{what}, not {str(found)!r}")
        return found

    def choice(self, name: str, choices: Sequence[str], default: str | None) -> Any:
        """Return one of several words."""
        found = self._get(name)
        if found is None:
            return default
        if found not in choices:
            hint = did_you_mean(str(found), choices)
            raise self._wrong(name, f"one of {', '.join(choices)}, not {found}", hint)
        return str(found)

    def flag(self, name: str) -> bool:
        """Return true or false; false where it is not given."""
        found = self._get(name)
        if found is not None and not isinstance(found, bool):
            raise self._wrong(name, f"true or false, not {found!r}")
        return bool(found)

    def number(self, name: str) -> int | None:
        """Return a whole number, None where it is not given."""
        found = self._get(name)
        if found is not None and (not isinstance(found, int) or isinstance(found, bool)):
            raise self._wrong(name, f"a whole number, not {found!r}", "without quotes: 580")
        return found

    def texts(self, name: str) -> tuple[str, ...]:
        """Return a list of texts; empty where it is not given."""
        found = self._get(name)
        if found is None:
            return ()
        if not isinstance(found, list):
            raise self._wrong(name, f"a list, not {found!r}", f"such as {name}: [{found}]")
        for item in found:
            if not isinstance(item, str):
                raise self._wrong(name, f"a list of texts; {item!r} is none", "put it in quotes")
        return tuple(found)

    def section(self, name: str, *, needed: bool = False) -> Fields:
        """Return the fields of a mapping inside of this one; none where it is not given."""
        found = self._get(name)
        if found is None and needed:
            raise self._missing(name)
        if found is not None and not isinstance(found, Mapping):
            raise self._wrong(name, f"a mapping of fields, not {found!r}", "see docs/gpu.md")
        where = location_of(self._mapping, name) or self._where
        return Fields({} if found is None else found, where, name)

    def refuse_unknown(self) -> None:
        """Raise where a field is given that nobody has asked for."""
        for name in self._mapping:
            if name not in self._known:
                raise UsageError(
                    f"there is no field {self._called(str(name))}",
                    where=location_of(self._mapping, name),
                    hint=did_you_mean(str(name), self._known),
                )

    def _get(self, name: str) -> Any:
        self._known.append(name)
        return self._mapping.get(name)

    def _called(self, name: str) -> str:
        return f"{self._name}.{name}" if self._name else name

    def _missing(self, name: str) -> UsageError:
        """Return the error, with a field that may be the missing one misspelt."""
        near = nearest(name, self.names())
        return UsageError(
            f"{self._called(name)} is missing",
            where=(location_of(self._mapping, near) if near else None) or self._where,
            hint=f"is {near!r} meant to be it?" if near else None,
        )

    def _wrong(self, name: str, expected: str, hint: str | None = None) -> UsageError:
        where = location_of(self._mapping, name) or self._where
        return UsageError(f"{self._called(name)} must be {expected}", where=where, hint=hint)
