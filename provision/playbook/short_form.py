"""A module's parameters written as text: ``apt: name=curl state=present``, ``command: uptime``."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from provision.errors import UsageError
from provision.playbook.parameters import Parameter
from provision.source import LocatedString

# A word: quoted parts and template expressions in it may hold spaces.
_WORD = re.compile(r"""(?:\{\{.*?\}\}|\{%.*?%\}|"(?:\\.|[^"\\])*"|'[^']*'|\\["']|\S)+""", re.DOTALL)
_CONTINUED_LINE = re.compile(r"(?<=\s)\\\n ?")
_PAIR = re.compile(r"([A-Za-z_][A-Za-z0-9_-]*)=(.*)", re.DOTALL)


def parse_text(text: str, parameters: Mapping[str, Parameter]) -> dict[str, object]:
    """Return the parameters that ``text`` gives.

    A module with a free-form parameter gets the text as that, less the words that set other
    parameters of its (``creates=/file``); any other module's text consists of such words only.

    Raises:
        UsageError: a word that sets nothing.

    """
    free = next((name for name, known in parameters.items() if known.free_form), None)
    options = {name for name, known in parameters.items() if name != free and known.type != "list"}
    result: dict[str, object] = {}
    left = _CONTINUED_LINE.sub("", text)
    for start, end, name, value in reversed(list(_pairs(left))):
        if name in options or free is None:
            result[name] = _located(value, text)
            left = left[:start] + left[end:]
    left = left.strip()
    if free is not None and left:
        result[free] = _located(left, text)
    elif left:
        raise UsageError(
            f"{' '.join(left.split())!r} sets no parameter",
            hint="write NAME=VALUE, or the parameters as a mapping",
        )
    return dict(reversed(result.items()))


def _pairs(text: str) -> Iterator[tuple[int, int, str, str]]:
    for word in _WORD.finditer(text):
        pair = _PAIR.fullmatch(word.group())
        if pair:
            yield word.start(), word.end(), pair[1], _unquoted(pair[2])


def _unquoted(value: str) -> str:
    quoted = len(value) > 1 and value[0] == value[-1] and value[0] in "\"'"
    return value[1:-1] if quoted else value


def _located(value: str, text: str) -> str:
    if not isinstance(text, LocatedString):
        return value
    located = LocatedString(value)
    located.location = text.location
    return located
