"""What things are called in the output."""

from __future__ import annotations

from provision.agent.declaration import Declaration

_MAIN_FIELDS = ("name", "dest", "path", "project", "server", "key", "url", "shell", "argv")


def describe(declaration: Declaration) -> str:
    """Return a short label: the kind, and the field that says which one."""
    fields = declaration.fields()
    for field in _MAIN_FIELDS:
        if field in fields:
            value = fields[field]
            text = " ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
            return f"{declaration.kind().lower()} {shorten(text)}"
    return declaration.kind().lower()


def shorten(text: str, width: int = 60) -> str:
    """Return the first line of a text, cut to ``width``."""
    line = text.strip().partition("\n")[0]
    return line if len(line) <= width else line[: width - 1] + "…"
