"""What ``-e`` gives: ``key=value``, ``{json or yaml}`` or ``@file.yml``, as in Ansible."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from provision.errors import Location, UsageError
from provision.inventory.variables import check_names, read_variables
from provision.inventory.vault import Vault
from provision.source import LocatedString, parse_yaml

_FORMS = "give key=value, '{\"key\": 1}' or @file.yml"
# One word of `a=1 b='x y' c="{{ d }}"`: quotes and template braces hold blanks together.
_WORD = re.compile(
    r"""(?: \{\{.*?\}\} | \{%.*?%\} | "(?:\\.|[^"\\])*" | '(?:\\.|[^'\\])*' | \\. | [^\s"'] )+""",
    re.VERBOSE | re.DOTALL,
)
_ESCAPE = re.compile(
    r"""\\(?: U[0-9a-fA-F]{8} | u[0-9a-fA-F]{4} | x[0-9a-fA-F]{2} | N\{[^}]+\} | [\\'"abfnrtv] )""",
    re.VERBOSE,
)
_QUOTED = re.compile(r"""(["'])(.*[^\\]|)\1""", re.DOTALL)


def parse_extra_vars(
    options: Iterable[str], *, vault_password: str | None = None
) -> dict[str, object]:
    """Return the variables that the ``-e`` options give; the later one wins.

    Raises:
        UsageError: when an option is in none of the three forms.

    """
    merged: dict[str, object] = {}
    for option in options:
        variables = _parse(option, Vault(vault_password))
        check_names(variables)
        merged.update(variables)
    return merged


def _parse(option: str, vault: Vault) -> Mapping[str, object]:
    if option.startswith("@"):
        return read_variables(Path(option[1:]).expanduser(), vault)
    if option.startswith(("/", ".")):
        raise UsageError(f"-e {option!r} names a file", hint=f"write -e @{option}")
    if option.startswith(("{", "[")):
        data = parse_yaml(option, "-e", vault.tags)
        if not isinstance(data, dict):
            raise UsageError(f"-e {option!r} is no mapping", hint=_FORMS)
        return data
    return _parse_pairs(option)


def _parse_pairs(option: str) -> dict[str, object]:
    words = _WORD.findall(option)
    if not words or _WORD.sub("", option).strip():  # what no word takes in is a lone quote
        raise UsageError(f"-e {option!r} cannot be read", hint=f"{_FORMS}; close every quote")
    pairs: dict[str, object] = {}
    for word in words:
        name, equals, value = _unescape(word).partition("=")
        if not equals:
            raise UsageError(f"-e {option!r}: {word!r} has no value", hint=_FORMS)
        pairs[name.strip()] = _located(_unquote(value.strip()))
    return pairs


def _located(text: str) -> LocatedString:
    """Mark a text as the user's own, which may be a template; only such text is rendered."""
    located = LocatedString(text)
    located.location = Location("-e")
    return located


def _unescape(word: str) -> str:
    return _ESCAPE.sub(lambda match: match[0].encode().decode("unicode_escape"), word)


def _unquote(text: str) -> str:
    match = _QUOTED.fullmatch(text)
    return match[2] if match else text
