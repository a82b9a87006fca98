"""What things are called in the output."""

from __future__ import annotations

import re

from provision.agent.declaration import Declaration

_MAIN_FIELDS = ("name", "dest", "path", "project", "server", "key", "url", "shell", "argv")
_ONE_WORD = {"LineInFile": "lineinfile", "BlockInFile": "blockinfile"}  # as Ansible has them


def describe(declaration: Declaration) -> str:
    """Return a short label: the kind, and the field that says which one."""
    fields = declaration.fields()
    word = word_for(declaration.kind())
    for field in _MAIN_FIELDS:
        if field in fields:
            value = fields[field]
            text = " ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
            return f"{word} {shorten(text)}"
    return word


def word_for(kind: str) -> str:
    """Return a kind as a playbook has it: ``MergeJson`` is ``merge_json``."""
    return _ONE_WORD.get(kind) or re.sub(r"(?<!^)(?=[A-Z])", "_", kind).lower()


def shorten(text: str, width: int = 60) -> str:
    """Return the first line of a text, cut to ``width``."""
    line = text.strip().partition("\n")[0]
    return line if len(line) <= width else line[: width - 1] + "…"
