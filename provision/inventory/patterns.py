"""Host patterns: ``trainer:&eu:!gpu-03``, ``a,b``, globs, ``~regex``, ``[0]``, ``[0:2]``.

The rules are those of Ansible's ``InventoryManager``, but for this: a name that matches nothing is
an error here, and so is a selection that leaves no host.
"""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Protocol

from provision.errors import Location, UsageError, did_you_mean
from provision.inventory.addresses import split_port
from provision.inventory.model import ALL, LOCALHOST, Group, InventoryHost
from provision.source import read_text

_SUBSCRIPT = re.compile(r"(?P<base>.+)\[(?:(?P<index>-?\d+)|(?P<first>\d+):(?P<last>\d*))\]")
# A part between colons: anything but colons and brackets, or one whole pair of brackets.
_PART = re.compile(r"(?:[^\s:\[\]]|\[[^\]]*\])+")
_GLOB = frozenset(".?*[")
_SHOWN = 10  # names
_POSITION_HINT = "[…] at the end picks hosts by position: [0], [-1], [0:2]"
_SEPARATOR_HINT = "where commas separate terms, colons do not: write 'a,&b,!c' or 'a:&b:!c'"


class NoHostsError(UsageError):
    """Every name is known, but no host is left to work on."""


class Hosts(Protocol):
    """What patterns select from."""

    hosts: Mapping[str, InventoryHost]
    groups: Mapping[str, Group]
    absent: Mapping[str, str]

    def host(self, name: str) -> InventoryHost:
        """Return one host, ``localhost`` always."""


def split_pattern(pattern: str) -> list[str]:
    """Split a pattern into its terms, at commas or else at colons that are no part of a term."""
    if "," in pattern:
        terms = pattern.split(",")
    elif split_port(pattern) is not None:  # an IPv6 address, or a range
        terms = [pattern]
    else:
        terms = _PART.findall(pattern)
    return [term.strip() for term in terms if term.strip()]


class Selection:
    """Evaluates patterns over an inventory."""

    def __init__(self, inventory: Hosts) -> None:
        self._inventory = inventory

    def match(self, pattern: str, limit: str | None) -> list[InventoryHost]:
        """See ``Inventory.match``."""
        terms = split_pattern(pattern)
        if not terms:
            raise UsageError("the host pattern is empty", hint="'all' names every host")
        names = self._evaluate(terms)
        if not names:
            raise NoHostsError(f"the pattern {pattern!r} leaves no host")
        if limit is not None:
            allowed = set(self._evaluate(_limit_terms(limit)))
            names = [name for name in names if name in allowed]
            if not names:
                raise NoHostsError(
                    f"the limit {limit!r} leaves no host of {pattern!r}",
                    hint="`provision inventory --graph` shows which hosts there are",
                )
        return [self._inventory.host(name) for name in names]

    def _evaluate(self, terms: Iterable[str]) -> list[str]:
        """Add up the plain terms, then keep what each ``&`` names, then drop what ``!`` names."""
        terms = list(terms)
        chosen: dict[str, None] = {}
        plain = [term for term in terms if term[0] not in "&!"]
        for term in plain or [ALL]:
            chosen.update(dict.fromkeys(self._term(term)))
        for term in (term for term in terms if term[0] == "&"):
            kept = set(self._term(term[1:]))
            chosen = {name: None for name in chosen if name in kept}
        for term in (term for term in terms if term[0] == "!"):
            dropped = set(self._term(term[1:]))
            chosen = {name: None for name in chosen if name not in dropped}
        return list(chosen)

    def _term(self, term: str) -> list[str]:
        if term in self._inventory.hosts:
            return [term]
        match = None if term.startswith("~") else _SUBSCRIPT.fullmatch(term)
        if match is None:
            return self._named(term)
        names = self._named(match["base"], unknown_hint=_POSITION_HINT)
        if match["index"] is None:
            last = int(match["last"]) + 1 if match["last"] else None
            return names[int(match["first"]) : last]
        try:
            return [names[int(match["index"])]]
        except IndexError:
            raise UsageError(
                f"the pattern {term!r} asks for one host of only {len(names)}",
                hint="positions count from 0; [-1] is the last",
            ) from None

    def _named(self, name: str, *, unknown_hint: str | None = None) -> list[str]:
        """Return the hosts of the groups that ``name`` matches, then the hosts that it matches.

        As in Ansible, a host may be found twice, which subscripts of globs then count twice.
        """
        matches = _matcher(name)
        groups = [group for group in self._inventory.groups.values() if matches(group.name)]
        found = [host for group in groups for host in group.hosts]
        is_pattern = name.startswith("~") or not _GLOB.isdisjoint(name)
        if not groups or is_pattern:
            found += [host for host in self._inventory.hosts if matches(host)]
        if found or groups:
            return found
        if name in LOCALHOST:
            return [name]
        if ":" in name:
            unknown_hint = _SEPARATOR_HINT
        raise self._unknown(name, unknown_hint)

    def _unknown(self, name: str, hint: str | None) -> UsageError:
        """Return the error about a name that stands for nothing; perhaps it did until lately."""
        absent = self._inventory.absent
        if name in absent:
            return UsageError(f"{name!r} is left out of the inventory: {absent[name]}")
        known = [*self._inventory.groups, *self._inventory.hosts]
        hints = [hint or did_you_mean(name, known) or ""]
        if absent:
            more = ", …" if len(absent) > _SHOWN else ""
            hints.append(f"left out of the inventory: {', '.join(sorted(absent)[:_SHOWN])}{more}")
        return UsageError(
            f"{name!r} is no host or group of the inventory", hint="; ".join(filter(None, hints))
        )


def _matcher(name: str) -> _Match:
    expression = name[1:] if name.startswith("~") else fnmatch.translate(name)
    try:
        compiled = re.compile(expression)
    except re.error as error:
        raise UsageError(f"the host pattern {name!r} is no regular expression: {error}") from None
    return lambda candidate: compiled.match(candidate) is not None


class _Match(Protocol):
    def __call__(self, candidate: str) -> bool: ...


def _limit_terms(limit: str) -> list[str]:
    """Return the terms of a limit, with each ``@file`` replaced by the file's lines."""
    terms: list[str] = []
    for term in split_pattern(limit):
        terms.extend(_lines(Path(term[1:])) if term.startswith("@") else [term])
    if not terms:
        raise NoHostsError(f"the limit {limit!r} names no host")
    return terms


def _lines(path: Path) -> list[str]:
    if not path.is_file():
        raise UsageError("there is no such limit file", where=Location(str(path)))
    return [line.strip() for line in read_text(path).splitlines() if line.strip()]
