"""Which state of the source an image is made of."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

from provision.errors import UsageError

_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}")  # Docker's own rule
_TIMEOUT = 30.0


def describe(source: Path) -> str | None:
    """Return what Git calls the source, such as ``v1.4-2-g1f0c9ab-dirty``; None outside Git."""
    command = ["git", "-C", str(source), "describe", "--tags", "--always", "--dirty"]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=_TIMEOUT, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() or None if done.returncode == 0 else None


def choose_tag(source: Path, tag: str | None) -> str:
    """Return ``tag``, or where there is none the source's revision.

    Raises:
        UsageError: when neither can be had, or is no tag that names one image for good.

    """
    chosen = tag or describe(source)
    if chosen is None:
        raise UsageError(
            f"{source} is not in Git, so that it has no revision to name the images after",
            hint="give them a tag: --tag 1.0.0",
        )
    if chosen == "latest":
        raise UsageError(
            "the tag 'latest' names another image on each host and on each day",
            hint="leave --tag out to use the source's revision, or number your releases",
        )
    if not _TAG.fullmatch(chosen):
        raise UsageError(
            f"{chosen!r} is not a tag", hint="letters, digits, '_', '.' and '-'; at most 128"
        )
    return chosen
