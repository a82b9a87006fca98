"""File modes as Ansible takes them."""

from __future__ import annotations

import re

from provision.errors import UsageError
from provision.playbook.modules.module import Parameters

_OCTAL = re.compile(r"(0o)?[0-7]{1,5}")
_SYMBOLIC = re.compile(r"([ugoa]+)=([rwx]*)")
_BITS = {"r": 4, "w": 2, "x": 1}
_SHIFTS = {"u": (6,), "g": (3,), "o": (0,), "a": (6, 3, 0)}
_HIGHEST = 0o7777
# Read as decimal numbers these make modes that nobody means, such as 644 = 0o1204.
_COMMON_BITS = (0, 4, 5, 6, 7)
_FORGOTTEN_ZERO = frozenset(
    100 * user + 10 * group + others
    for user in (4, 5, 6, 7)
    for group in _COMMON_BITS
    for others in _COMMON_BITS
    if user >= group >= others
) | {1777, 2755, 2775}


def mode_of(value: object) -> int:
    """Return permission bits.

    Args:
        value: a number; octal digits as text, ``"0644"``; or assignments for user, group and
            others, ``"u=rw,g=r,o="``.

    Raises:
        UsageError: anything else, also changes such as ``u+x``, whose result depends on the host.

    """
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise UsageError(f"{value!r} is no file mode", hint=_HINT)
    if isinstance(value, int):
        if value in _FORGOTTEN_ZERO:
            raise UsageError(f"the mode {value} is a decimal number, {value:#o}", hint=_HINT)
        bits = value
    else:
        bits = int(value, 8) if _OCTAL.fullmatch(value) else _symbolic(value)
    if not 0 <= bits <= _HIGHEST:
        raise UsageError(f"{value!r} is no file mode", hint=_HINT)
    return bits


_HINT = 'write it as octal digits in quotes: "0644"'


def _symbolic(value: str) -> int:
    result: dict[int, int] = {}
    for part in value.split(","):
        match = _SYMBOLIC.fullmatch(part)
        if match is None:
            raise UsageError(f"{value!r} is no file mode that we support", hint=_HINT)
        bits = sum({_BITS[letter] for letter in match[2]})
        for who in match[1]:
            result |= dict.fromkeys(_SHIFTS[who], bits)
    if len(result) < len(_SHIFTS["a"]):
        raise UsageError(f"{value!r} leaves a part of the mode open", hint=_HINT)
    return sum(bits << shift for shift, bits in result.items())


def with_mode(parameters: Parameters) -> Parameters:
    """Return the parameters with ``mode`` as a number, if it is given."""
    if "mode" not in parameters:
        return parameters
    return {**parameters, "mode": mode_of(parameters["mode"])}
