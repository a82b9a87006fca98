"""The table of file systems, and what is mounted now."""

from __future__ import annotations

from typing import List, NamedTuple, Optional

from provision.agent.system import System

_ESCAPES = {"\\040": " ", "\\011": "\t", "\\012": "\n", "\\134": "\\"}


class Entry(NamedTuple):
    """A line of fstab(5)."""

    src: str
    path: str
    fstype: str
    opts: str
    dump: str
    passno: str

    def line(self) -> str:
        """Return it as fstab has it."""
        return " ".join(_escaped(field) for field in self) + "\n"


def parse(line: str) -> Optional[Entry]:
    """Return the entry of a line, or None for a comment; options and numbers may be left out."""
    fields = [_unescaped(field) for field in line.split()]
    if len(fields) < 3 or fields[0].startswith("#"):  # noqa: PLR2004 - src, path, fstype
        return None
    defaults = ["defaults", "0", "0"]
    return Entry(*[*fields, *defaults[len(fields) - 3 :]][:6])


def mounted_at(system: System, path: str) -> Optional[str]:
    """Return what is mounted at ``path`` (its source), or None; see proc_pid_mountinfo(5)."""
    source = None
    for line in (system.read_text("/proc/self/mountinfo") or "").splitlines():
        before, _, after = line.partition(" - ")
        if _unescaped(before.split(" ")[4]) == path:
            source = _unescaped(after.split(" ")[1])  # the last one is on top
    return source


def replaced(lines: List[str], path: str, entry: Optional[Entry]) -> List[str]:
    """Return the lines with ``entry`` for ``path``; None for no entry."""
    ours = [number for number, line in enumerate(lines) if _path(line) == path]
    others = [line for line in lines if _path(line) != path]
    if entry is None:
        return others
    at = ours[0] if ours else len(others)
    ended = [line if line.endswith("\n") else line + "\n" for line in others]
    return [*ended[:at], entry.line(), *ended[at:]]


def _path(line: str) -> Optional[str]:
    entry = parse(line)
    return None if entry is None else entry.path


def _escaped(field: str) -> str:
    codes = {character: code for code, character in _ESCAPES.items()}
    return "".join(codes.get(character, character) for character in field)


def _unescaped(field: str) -> str:
    for code, character in _ESCAPES.items():
        field = field.replace(code, character)
    return field
