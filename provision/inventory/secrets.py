"""Which values are secret, and how to keep them out of what people and log files see."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping

from provision.source import LocatedString, UnsafeString

MASK = "********"

# Shorter values would blot out half of every text ("no", "80") and protect nobody.
_SHORTEST = 4

# `http_tokens` of an EC2 instance says whether its metadata service wants any: "required".
_SECRET_NAME = re.compile(
    r"password|passwd|passphrase|secret|(?<!http_)token|credential|private_?key|api_?key|access_?key"
    r"|(^|_)pass(_|$)",
    re.IGNORECASE,
)
# What only speaks about a secret: where it lies, how long it lives.
_ABOUT_A_SECRET = re.compile(
    r"_(file|files|path|dir|name|names|length|ttl|expiry|id|url|user|username)$", re.IGNORECASE
)


class Secret(LocatedString):
    """A text that was kept encrypted; mask it wherever it would be shown."""

    __slots__ = ()


class VaultedString(Secret, UnsafeString):
    """The plain text of one ``!vault`` value; as in Ansible, it is never taken for a template."""

    __slots__ = ("ciphertext",)
    ciphertext: str


def names_a_secret(name: str) -> bool:
    """Tell whether a variable called ``name`` should hold a secret: ``redis_password``, …"""
    return bool(_SECRET_NAME.search(name)) and not _ABOUT_A_SECRET.search(name)


def secret_values(variables: Mapping[str, object]) -> set[str]:
    """Return every secret text in ``variables``, at any depth.

    Secret is what came out of a vault and what stands, at whatever depth, below a variable whose
    name says so. Template text (``{{ … }}``) is not yet the secret: give templated variables.
    """
    return {text for text in _secrets(variables, inside=False) if "{{" not in text}


def _secrets(value: object, *, inside: bool) -> Iterator[str]:
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from _secrets(item, inside=inside or names_a_secret(str(key)))
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _secrets(item, inside=inside)
    elif isinstance(value, Secret) or (inside and _is_text_or_number(value)):
        yield str(value)


def _is_text_or_number(value: object) -> bool:
    return isinstance(value, str | int) and not isinstance(value, bool)


class Masker:
    """Replaces secret values in texts by ``********``.

    Of a value of several lines (a private key) each line is hidden as well, since output often
    comes line by line. Values shorter than 4 characters are left alone.
    """

    def __init__(self, values: Iterable[str]) -> None:
        parts = {part.strip() for value in values for part in (value, *value.splitlines())}
        hidden = sorted((part for part in parts if len(part) >= _SHORTEST), key=len, reverse=True)
        self._pattern = re.compile("|".join(map(re.escape, hidden))) if hidden else None

    def mask(self, text: str) -> str:
        """Return ``text`` without the secrets."""
        return self._pattern.sub(MASK, text) if self._pattern else text
