"""YAML that remembers where it came from.

Every mapping, list and string read from a file carries a ``Location``, so that an error found much
later (an unknown keyword, an undefined variable) can still name file, line and column.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, cast

import yaml

from provision.errors import Location, UsageError, did_you_mean

_SafeLoader: type[Any] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class LocatedMapping(dict[Any, Any]):
    """A mapping of a YAML file; ``key_locations`` says where each key stands."""

    location: Location
    key_locations: dict[Any, Location]


class LocatedList(list[Any]):
    """A sequence of a YAML file."""

    location: Location


class LocatedString(str):
    """A string of a YAML file."""

    location: Location
    __slots__ = ("location",)


class UnsafeString(LocatedString):
    """Text that must never be taken for a template: ``!unsafe``, or a value out of a vault."""

    __slots__ = ()

    @classmethod
    def tagged(cls, text: LocatedString) -> UnsafeString:
        """Return ``text`` as written behind ``!unsafe``."""
        unsafe = cls(text)
        unsafe.location = text.location
        return unsafe


Tags = Mapping[str, Callable[[LocatedString], object]]
"""What to make of the text behind a YAML tag, such as ``!vault``."""

UNSAFE_TAG: Tags = {"!unsafe": UnsafeString.tagged}


def location_of(value: object, key: object = None) -> Location | None:
    """Return where ``value`` (or, when given, its entry ``key``) was written, if it is known."""
    if key is not None and isinstance(value, LocatedMapping):
        return value.key_locations.get(key, value.location)
    return getattr(value, "location", None)


class _LocatedLoader(_SafeLoader):  # type: ignore[misc]
    """A safe YAML loader that refuses duplicate keys and keeps locations."""

    path = "<string>"
    tags: Tags = UNSAFE_TAG

    def locate(self, mark: Any) -> Location:
        return Location(self.path, mark.line + 1, mark.column + 1)

    def build_mapping(self, node: yaml.MappingNode) -> Iterator[LocatedMapping]:
        mapping = LocatedMapping()
        mapping.location = self.locate(node.start_mark)
        mapping.key_locations = {}
        yield mapping
        self.refuse_duplicates(node)
        self.flatten_mapping(node)
        for key_node, value_node in node.value:
            key = self.construct_object(key_node, deep=True)
            where = self.locate(key_node.start_mark)
            try:
                hash(key)
            except TypeError:
                raise UsageError("a mapping cannot be the key of a mapping", where=where) from None
            mapping[key] = self.construct_object(value_node, deep=True)
            mapping.key_locations[key] = where

    def refuse_duplicates(self, node: yaml.MappingNode) -> None:
        seen: set[str] = set()
        for key_node, _ in node.value:
            if not isinstance(key_node, yaml.ScalarNode) or key_node.value == "<<":
                continue
            if key_node.value in seen:
                raise UsageError(
                    f"the key {key_node.value!r} is given twice",
                    where=self.locate(key_node.start_mark),
                    hint="YAML keeps only the last one; remove or rename one of them",
                )
            seen.add(key_node.value)

    def build_sequence(self, node: yaml.SequenceNode) -> Iterator[LocatedList]:
        items = LocatedList()
        items.location = self.locate(node.start_mark)
        yield items
        items.extend(self.construct_object(child, deep=True) for child in node.value)

    def build_string(self, node: yaml.ScalarNode) -> LocatedString:
        text = LocatedString(node.value)
        text.location = self.locate(node.start_mark)
        return text

    def build_tagged(self, suffix: str, node: yaml.Node) -> object:
        tag, where = f"!{suffix}", self.locate(node.start_mark)
        if tag not in self.tags:
            raise UsageError(
                f"unknown YAML tag {tag}", where=where, hint=did_you_mean(tag, self.tags)
            )
        if not isinstance(node, yaml.ScalarNode):
            raise UsageError(
                f"{tag} belongs before a text, not before a mapping or list", where=where
            )
        return self.tags[tag](self.build_string(node))


_LocatedLoader.add_constructor("tag:yaml.org,2002:map", _LocatedLoader.build_mapping)
_LocatedLoader.add_constructor("tag:yaml.org,2002:seq", _LocatedLoader.build_sequence)
_LocatedLoader.add_constructor("tag:yaml.org,2002:str", _LocatedLoader.build_string)
_LocatedLoader.add_multi_constructor("!", _LocatedLoader.build_tagged)


def parse_yaml(text: str, path: str = "<string>", tags: Tags = UNSAFE_TAG) -> object:
    """Parse one YAML document; ``path`` is what error messages call it.

    Args:
        text: the document.
        path: the file it came from.
        tags: the tags that the document may use; any other is an error.

    Raises:
        UsageError: with file, line and column, when the text is not valid YAML.

    """
    loader = _LocatedLoader(text)
    loader.path = path
    loader.tags = tags
    try:
        return loader.get_single_data()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = loader.locate(mark) if mark else Location(path)
        raise UsageError(f"not valid YAML: {error.problem or error.context}", where=where) from None
    except (yaml.YAMLError, ValueError) as error:  # ValueError: a date such as 2026-13-45
        raise UsageError(f"not valid YAML: {error}", where=Location(path)) from None
    finally:
        loader.dispose()


def load_yaml(path: Path, tags: Tags = UNSAFE_TAG) -> object:
    """Read one YAML file, see ``parse_yaml``; a file that cannot be read is a ``UsageError``."""
    return parse_yaml(read_text(path), str(path), tags)


def read_text(path: Path) -> str:
    """Read a UTF-8 file of the user's; one that cannot be read is a ``UsageError``."""
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise UsageError(f"not UTF-8 text ({error.reason})", where=Location(str(path))) from None
    except OSError as error:
        raise UsageError(f"cannot be read: {error.strerror}", where=Location(str(path))) from None


def plain(value: object) -> object:
    """Return ``value`` as ordinary dicts, lists and strings, for serialisers that need them."""
    if isinstance(value, dict):
        return {plain(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, LocatedString):
        return str(cast(str, value))
    return value
