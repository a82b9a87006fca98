"""What an expression has come to, as ordinary values."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from jinja2 import Undefined

from provision.source import LocatedString
from provision.templating.markers import OMIT
from provision.templating.undefined import Missing


def resolve(value: Any) -> Any:
    """Return ``value`` as ordinary dicts, lists and scalars, without what is ``omit``.

    Raises:
        UndefinedVariable: something inside is undefined.

    """
    if isinstance(value, str):
        return value if isinstance(value, LocatedString) else str(value)
    if isinstance(value, Missing):
        value.fail()
    if isinstance(value, Mapping):
        pairs = ((key, resolve(item)) for key, item in value.items())
        return {key: item for key, item in pairs if item is not OMIT}
    if isinstance(value, Iterable) and not isinstance(value, bytes | Undefined):
        items = (resolve(item) for item in value)
        return [item for item in items if item is not OMIT]
    return value
