"""What can be told about a value without Jinja2."""

from __future__ import annotations

import re
from typing import Final

from provision.source import LocatedString, UnsafeString

_DELIMITER = re.compile(r"\{[{%#]")


class Omit:
    """The type of ``omit``: a parameter with this value counts as not given."""

    def __repr__(self) -> str:
        return "omit"


OMIT: Final = Omit()


def has_template(value: str) -> bool:
    """Tell whether ``value`` holds a Jinja2 delimiter, and may be rendered."""
    if isinstance(value, UnsafeString):
        return False
    return "{" in value and _DELIMITER.search(value) is not None


def is_template(value: object) -> bool:
    """Tell whether a *variable's* value is to be rendered when it is used.

    Only text of the user's own files is: a ``LocatedString``. Text from anywhere else (facts,
    output of commands, earlier results) is data, whatever it contains. Otherwise a host could
    read files of the controller by printing ``{{ lookup('file', ...) }}``.
    """
    return is_own_text(value) and has_template(str(value))


def is_own_text(value: object) -> bool:
    """Tell whether a text is of the user's own files, so that what it says may be carried out."""
    return isinstance(value, LocatedString) and not isinstance(value, UnsafeString)


def contains_template(value: object) -> bool:
    """Tell whether ``value`` or anything inside it holds a Jinja2 delimiter."""
    if isinstance(value, str):
        return has_template(value)
    if isinstance(value, dict):
        return any(contains_template(item) for item in value.values())
    if isinstance(value, list | tuple):
        return any(contains_template(item) for item in value)
    return False
