"""The ``ssh`` options that Ansible inventories carry, as ``ansible_ssh_common_args`` and friends.

There is no ``ssh`` process here to hand them to. Those that say how a host is reached are obeyed,
those that tune OpenSSH alone are passed over, and any other is an error: an option that silently
does nothing would be a connection other than the one that was asked for.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator

from provision.errors import did_you_mean, nearest

# Keyword of ssh_config(5) in lower case -> as it is written.
OBEYED = {
    name.lower(): name
    for name in (
        "ConnectTimeout",
        "HostKeyAlias",
        "IdentitiesOnly",
        "IdentityFile",
        "Port",
        "ProxyCommand",
        "ProxyJump",
        "StrictHostKeyChecking",
        "User",
        "UserKnownHostsFile",
    )
}
_TUNING = {
    "batchmode",
    "checkhostip",
    "compression",
    "controlmaster",
    "controlpath",
    "controlpersist",
    "gssapiauthentication",
    "hashknownhosts",
    "ipqos",
    "kbdinteractiveauthentication",
    "loglevel",
    "passwordauthentication",
    "preferredauthentications",
    "pubkeyauthentication",
    "serveralivecountmax",
    "serveraliveinterval",
    "tcpkeepalive",
    "updatehostkeys",
    "visualhostkey",
}
_LETTERS = {"J": "ProxyJump", "i": "IdentityFile", "l": "User", "p": "Port"}
_TUNING_LETTERS = frozenset("aCqTvx")

Options = dict[str, list[str]]  # keyword in lower case -> its values, in order


class ArgumentProblem(ValueError):
    """An option that cannot be obeyed; the text names it."""

    def __init__(self, message: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.hint = hint


def parse_ssh_arguments(text: str) -> Options:
    """Return the options of an ``ssh`` command line, those that tune OpenSSH alone left out.

    Raises:
        ArgumentProblem: an option that is not understood, or a quote that is not closed.

    """
    try:
        words = shlex.split(text)
    except ValueError as error:
        raise ArgumentProblem(f"{text!r} cannot be split into words: {error}") from None
    options: Options = {}
    for keyword, value in _pairs(words):
        if keyword.lower() in _TUNING:
            continue
        if keyword.lower() not in OBEYED:
            known = OBEYED.values()
            hint = did_you_mean(keyword, known) if nearest(keyword, known) else None
            raise ArgumentProblem(
                f"the ssh option {keyword!r} is not supported here",
                hint or "put it into ssh_config, where it concerns only ssh itself",
            )
        options.setdefault(keyword.lower(), []).append(value)
    return options


def _pairs(words: list[str]) -> Iterator[tuple[str, str]]:
    """Yield every option as keyword and value, short ones by their keyword."""
    rest = iter(words)
    for word in rest:
        letters = word[1:]
        if word.startswith("-") and letters and set(letters) <= _TUNING_LETTERS:
            continue
        if word[:2] != "-o" and not (word.startswith("-") and word[1:2] in _LETTERS):
            raise ArgumentProblem(f"{word!r} is not an option that is supported here")
        value = word[2:] or next(rest, "")
        keyword, value = _setting(value) if word[1] == "o" else (_LETTERS[word[1]], value)
        if not value:
            raise ArgumentProblem(f"{word!r} says nothing")
        yield keyword, value


def _setting(text: str) -> tuple[str, str]:
    """Split ``Keyword=value`` or ``Keyword value``."""
    match = re.match(r"\s*(\w+)\s*[=\s]\s*(.*)", text)
    return (match[1], match[2].strip()) if match else (text, "")
