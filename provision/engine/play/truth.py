"""Yes and no, as people write them."""

from __future__ import annotations

_TRUE = frozenset({"true", "yes", "on", "y", "t", "1", "1.0"})


def truth(value: object) -> bool:
    """Return a boolean that may be written as text, as YAML and the command line have it."""
    return str(value).lower() in _TRUE
