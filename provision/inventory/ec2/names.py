"""What an instance is called: ``hostnames``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from provision.errors import Location, UsageError, nearest
from provision.inventory.ec2.attributes import ATTRIBUTES, attribute, tags_of
from provision.inventory.keyed import safe_group_name
from provision.inventory.options import Options
from provision.source import LocatedMapping, location_of
from provision.templating import Templater

_DEFAULT = ("dns-name", "private-dns-name")
_TAG = "tag:"
_KEYS = frozenset({"name", "prefix", "separator"})

Instance = Mapping[str, Any]


@dataclass(frozen=True)
class Part:
    """One source of names: ``tag:…``, an attribute, or the name itself; perhaps with a filter.

    Args:
        source: such as ``private-ip-address``, ``tag:Name``, ``tag:Name=a,Role``, ``literal``.
        filter: what the text is put through: Jinja2's, written behind ``|``.

    """

    source: str
    filter: str
    where: Location

    @classmethod
    def read(cls, text: str, where: Location) -> Part:
        """Split ``source | filter``."""
        source, _, jinja = text.partition("|")
        return cls(source.strip() if jinja else source, jinja.strip(), where)

    def names(self, instance: Instance) -> list[str]:
        """Return the names that this leads to, the best first."""
        found = self._found(instance)
        if not self.filter:
            return found
        expression = f"value | {self.filter}"
        values = [Templater({"value": it}).evaluate(expression, self.where) for it in found]
        return [str(value) for value in values if value]

    def _found(self, instance: Instance) -> list[str]:
        if self.source.startswith(_TAG):
            return list(_of_tags(self.source.removeprefix(_TAG), tags_of(instance)))
        if self.source in ATTRIBUTES:
            return attribute(instance, self.source)
        return [self.source]


def _of_tags(wanted: str, tags: Mapping[str, str]) -> list[str]:
    """Return a tag's value for ``Name``, and ``Name_value`` for ``Name=value`` where it fits."""
    found = []
    for word in wanted.split(","):
        name, equals, value = word.partition("=")
        if not equals:
            found.append(tags.get(name, ""))
        elif tags.get(name) == value:
            found.append(f"{name}_{value}")
    return [name for name in found if name]


@dataclass(frozen=True)
class Preference:
    """One item of ``hostnames``; prefix and name are joined where both are found."""

    name: Part
    prefix: Part | None = None
    separator: str = "_"

    def names(self, instance: Instance) -> list[str]:
        """Return the names that this leads to."""
        names = self.name.names(instance)
        prefixes = self.prefix.names(instance) if self.prefix else []
        if names and prefixes:
            return [f"{prefixes[0]}{self.separator}{names[0]}"]
        return names


@dataclass(frozen=True)
class HostNames:
    """All of ``hostnames``, in order of preference.

    Args:
        preferences: the first that an instance has anything for counts.
        every: whether all of them count (``allow_duplicated_hosts``).
        where: the option's place.

    """

    preferences: tuple[Preference, ...]
    every: bool
    where: Location

    @classmethod
    def read(cls, options: Options) -> HostNames:
        """Read the option."""
        entries = options.entries("hostnames") or _DEFAULT
        where = options.place("hostnames")
        return cls(
            tuple(_preference(entry, options, location_of(entry) or where) for entry in entries),
            options.flag("allow_duplicated_hosts", default=False),
            where,
        )

    def of(self, instance: Instance) -> list[str]:
        """Return an instance's names; none where nothing fits."""
        found = (preference.names(instance) for preference in self.preferences)
        chosen = [names for names in found if names]
        if not self.every:
            return [_usable(chosen[0][0])] if chosen else []
        return list(dict.fromkeys(_usable(name) for names in chosen for name in names))


def _usable(name: str) -> str:
    """Return ``name`` as a host's: a colon would be taken for the beginning of a port."""
    return safe_group_name(name) if ":" in name else name


def _preference(entry: object, options: Options, where: Location) -> Preference:
    if isinstance(entry, str):
        return Preference(_part(entry, where))
    if not isinstance(entry, LocatedMapping):
        raise options.error("hostnames", f"{entry!r} is neither a text nor {{name, prefix}}")
    part = Options(entry, where, "hostnames")
    part.refuse_unknown(_KEYS)
    name, prefix = part.text("name"), part.text("prefix")
    if not name:
        raise part.error("name", "is needed")
    separator = part.text("separator")
    return Preference(
        _part(name, part.place("name")),
        Part.read(prefix, part.place("prefix")) if prefix else None,
        "_" if separator is None else separator,
    )


def _part(text: str, where: Location) -> Part:
    """Refuse what is nearly an attribute: taken literally, it would name every instance alike."""
    part = Part.read(str(text), where)
    known = [*ATTRIBUTES, "tag:Name"]
    near = nearest(part.source, known)
    if near and part.source not in known and not part.source.startswith(_TAG):
        problem = f"hostnames: {part.source!r} is no attribute of instances"
        raise UsageError(problem, where=where, hint=f"did you mean {near!r}?")
    return part
