"""Host names as inventories write them: ``name``, ``name:22``, ``[::1]:22``, ``gpu[01:16]``.

The rules are those of Ansible's ``parsing/utils/addresses.py`` and ``plugins/inventory``.
"""

from __future__ import annotations

import ipaddress
import re
import string
from collections.abc import Sequence

_BRACKETED_PORT = re.compile(r"\[(.+)\]:([0-9]+)")
_PLAIN_PORT = re.compile(r"((?:[^:\[\]]|\[[^\]]*\])*):([0-9]+)")
_RANGE = re.compile(r"\[(?:[a-z]:[a-z]|[0-9a-f]+:[0-9a-f]+)(?::[0-9]+)?\]", re.IGNORECASE)
_LABEL = r"\w[\w-]*(?<![_-])"
_HOSTNAME = re.compile(rf"{_LABEL}(?:\.{_LABEL})*")


def split_port(text: str) -> tuple[str, int | None] | None:
    """Return host (which may hold ranges) and port of ``text``, or None if it is no address."""
    match = _BRACKETED_PORT.fullmatch(text) or _PLAIN_PORT.fullmatch(text)
    host, port = (match[1], int(match[2])) if match else (text, None)
    return (host, port) if _is_host(_RANGE.sub("0", host)) else None


def is_ip_address(text: str) -> bool:
    """Tell whether ``text`` is an IPv4 or IPv6 address."""
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def _is_host(text: str) -> bool:
    return is_ip_address(text) or _HOSTNAME.fullmatch(text) is not None


def expand(text: str) -> tuple[list[str], int | None]:
    """Return the host names that ``text`` stands for, and the port given with them.

    Raises:
        ValueError: saying what is wrong with a range.

    """
    host, port = split_port(text) or (text, None)
    return expand_ranges(host), port


def expand_ranges(text: str) -> list[str]:
    """Return every name that ``text`` stands for; the last of several ranges varies fastest.

    Raises:
        ValueError: saying what is wrong with a range.

    """
    head, bracket, rest = text.partition("[")
    if not bracket:
        return [text]
    inner, bracket, tail = rest.partition("]")
    if not bracket:
        raise ValueError("the range has no closing ']'")
    tails = expand_ranges(tail)
    return [f"{head}{item}{end}" for item in _range_items(inner) for end in tails]


def _range_items(inner: str) -> Sequence[str]:
    bounds = inner.split(":")
    if len(bounds) not in (2, 3):
        raise ValueError(f"the range [{inner}] must be [begin:end] or [begin:end:step]")
    begin, end, step = bounds[0] or "0", bounds[1], _step(inner, bounds)
    if not end:
        raise ValueError(f"the range [{inner}] has no end")
    if begin in string.ascii_letters and end in string.ascii_letters:
        letters = string.ascii_letters
        items: Sequence[str] = letters[letters.index(begin) : letters.index(end) + 1 : step]
    else:
        items = _numbers(inner, begin, end, step)
    if not items:
        raise ValueError(f"the range [{inner}] ends before it begins")
    return items


def _step(inner: str, bounds: Sequence[str]) -> int:
    text = bounds[2] if len(bounds) == 3 else "1"  # noqa: PLR2004
    if not text.isdecimal() or int(text) == 0:
        raise ValueError(f"the step of the range [{inner}] must be a whole number above zero")
    return int(text)


def _numbers(inner: str, begin: str, end: str, step: int) -> list[str]:
    if not (begin.isdecimal() and end.isdecimal()):
        raise ValueError(f"the range [{inner}] must run between two numbers or two letters")
    padded = begin.startswith("0") and len(begin) > 1
    if padded and len(begin) != len(end):
        raise ValueError(f"begin and end of the range [{inner}] must have the same length")
    width = len(begin) if padded else 0
    return [str(number).zfill(width) for number in range(int(begin), int(end) + 1, step)]
