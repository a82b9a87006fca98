"""The rules, one noun a file; importing this package registers them all in ``RULES``."""

from __future__ import annotations

from provision.stack.finding import RULES
from provision.stack.rules import (
    dependencies,
    files,
    gpus,
    hardening,
    health,
    images,
    ports,
    secrets,
)

__all__ = [
    "RULES",
    "dependencies",
    "files",
    "gpus",
    "hardening",
    "health",
    "images",
    "ports",
    "secrets",
]
