"""One entry of ``keyed_groups``: groups named after a variable's value."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from provision.errors import Location, UsageError
from provision.inventory.options import Options
from provision.templating import Templater

_KEYS = frozenset(
    {"default_value", "key", "parent_group", "prefix", "separator", "trailing_separator"}
)
_INVALID = re.compile(r"^[\d\W]|[^\w]")


def safe_group_name(name: str) -> str:
    """Return ``name`` with everything replaced by ``_`` that an identifier may not have."""
    return _INVALID.sub("_", name)


@dataclass(frozen=True, kw_only=True)
class KeyedGroup:
    """What groups a value leads to.

    Args:
        key: the expression of the value: a text, a list of texts, or a mapping.
        prefix: stands before each name.
        separator: between prefix, key of a mapping, and value.
        parent_group: a group, or a template of its name, that gets all of them as children.
        default_value: stands for an empty value.
        trailing_separator: whether a mapping's key with an empty value keeps the separator.
        leading_separator: whether a name without prefix begins with the separator.

    """

    key: str
    where: Location
    prefix: str
    separator: str
    parent_group: str | None
    default_value: str | None
    trailing_separator: bool
    leading_separator: bool

    @classmethod
    def read(cls, options: Options, leading_separator: bool) -> KeyedGroup:
        """Read one entry."""
        options.refuse_unknown(_KEYS)
        key = options.values.get("key")
        if not isinstance(key, str) or not key.strip():
            raise options.error("key", "must be an expression", "such as: key: tags.Role")
        given = options.values
        both = {"default_value", "trailing_separator"}
        if all(given.get(name) is not None for name in both):
            raise options.error("trailing_separator", "cannot be given beside default_value")
        parent = given.get("parent_group")
        if parent is not None and not isinstance(parent, str):
            raise options.error("parent_group", "must be a text")
        return cls(
            key=key,
            where=options.place("key"),
            prefix=options.text("prefix", "") or "",
            separator=_or(options.text("separator"), "_"),
            parent_group=parent,
            default_value=options.text("default_value"),
            trailing_separator=options.flag("trailing_separator", default=True),
            leading_separator=leading_separator,
        )

    def names(self, templater: Templater, *, strict: bool) -> list[str]:
        """Return the names, not yet sanitized, of the groups that a host belongs to.

        Raises:
            UsageError: the expression fails; the value is none that names can be made of; with
                ``strict``, it is empty.

        """
        value = templater.evaluate(self.key, self.where)
        if value in (None, "") and self.default_value is not None:
            value = self.default_value
        if not value:
            if strict and value not in ([], {}):
                raise UsageError(f"keyed_groups: {self.key!r} is empty", where=self.where)
            return []
        separator = self.separator if self.prefix or self.leading_separator else ""
        return [f"{self.prefix}{separator}{name}" for name in self._bare(value)]

    def parent(self, templater: Templater) -> str | None:
        """Return the name of the parent, not yet sanitized."""
        if self.parent_group is None:
            return None
        return templater.render_text(self.parent_group, self.where)

    def _bare(self, value: object) -> list[str]:
        if isinstance(value, str):
            return [value]
        if isinstance(value, list):
            return [str(self._or_default(item)) for item in value]
        if isinstance(value, Mapping):
            return [self._pair(str(name), item) for name, item in value.items()]
        raise UsageError(
            f"keyed_groups: {self.key!r} must be a text, a list or a mapping, it is {value!r}",
            where=self.where,
            hint=f"make a text of it: {self.key} | string",
        )

    def _or_default(self, item: object) -> object:
        is_empty = item in (None, "")
        return self.default_value if is_empty and self.default_value is not None else item

    def _pair(self, name: str, value: object) -> str:
        if value in (None, "") and self.default_value is None and not self.trailing_separator:
            return name
        return f"{name}{self.separator}{self._or_default(value)}"


def _or(value: str | None, default: str) -> str:
    return default if value is None else value
