"""Numbers and other people's text, made fit to print on one line."""

from __future__ import annotations

import re

_MINUTE = 60
_HOUR = 3600
_MIB = 1024 * 1024
_PRECISE_BELOW = 10  # below this, one decimal is worth its place

# ECMA-48: control strings (OSC, DCS, PM, APC, SOS), control sequences, and the short escapes.
_ESCAPES = re.compile(
    r"\x1b[\]PX^_][^\x07\x1b]*(?:\x07|\x1b\\)?"
    r"|(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]"
    r"|\x1b[ -/]*[0-~]"
)
# What is left of C0 and C1, marks that reorder or hide text, line separators, and lone surrogates.
_UNPRINTABLE = re.compile(
    "[\x00-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff]"
)


def clean_lines(text: str) -> list[str]:
    """Split a remote program's output into lines that cannot drive the terminal.

    Colours and cursor movements are dropped, a line that was overwritten through carriage returns
    keeps its last state, and any other control character becomes U+FFFD.
    """
    return [_clean_line(line) for line in text.removesuffix("\n").split("\n")] if text else []


def _clean_line(line: str) -> str:
    shown = line.rstrip("\r").rsplit("\r", 1)[-1].replace("\t", "    ")
    return _UNPRINTABLE.sub("\ufffd", _ESCAPES.sub("", shown)).rstrip()


def clean(text: str) -> str:
    """Return ``text`` as one printable line, see ``clean_lines``."""
    return " ".join(line.strip() for line in clean_lines(text)).strip()


def duration(seconds: float) -> str:
    """Return ``1.1 s``, ``38 s``, ``2:10`` or ``1:02:10``."""
    if round(seconds, 1) < _PRECISE_BELOW:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < _MINUTE:
        return f"{whole} s"
    minutes, rest = divmod(whole, _MINUTE)
    if whole < _HOUR:
        return f"{minutes}:{rest:02}"
    hours, minutes = divmod(minutes, _MINUTE)
    return f"{hours}:{minutes:02}:{rest:02}"


def amount(done: int, total: int | None, unit: str) -> str:
    """Return how far a step is: ``12 of 340 MiB``, ``3 of 8 layers``, ``0.4 MiB``."""
    show, unit = (_mebibytes, "MiB") if unit == "bytes" else (str, unit)
    return f"{show(done)} {unit}" if total is None else f"{show(done)} of {show(total)} {unit}"


def _mebibytes(size: int) -> str:
    mebibytes = size / _MIB
    return f"{mebibytes:.1f}" if round(mebibytes, 1) < _PRECISE_BELOW else f"{mebibytes:.0f}"


def counted(number: int, noun: str) -> str:
    """Return ``1 host`` or ``3 hosts``."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def fit(text: str, width: int) -> str:
    """Cut ``text`` at its end to at most ``width`` characters."""
    return text if len(text) <= width else text[: max(0, width - 1)] + "…"


def fit_name(name: str, width: int) -> str:
    """Cut a host's name in its middle: numbers and domains tell names apart at both ends."""
    if len(name) <= width:
        return name
    tail = (width - 1) // 2
    return name[: width - 1 - tail] + "…" + name[len(name) - tail :]
