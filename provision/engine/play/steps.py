"""What a playbook's entry hands to a host."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from provision.agent.declaration import Declaration


@dataclass(frozen=True)
class Step:
    """One resource or query.

    Args:
        declaration: what it is.
        content: the file that the host gets when it asks for the declared hash.
        part: what to call it where the entry has several.

    """

    declaration: Declaration
    content: Path | None = None
    part: str = ""
