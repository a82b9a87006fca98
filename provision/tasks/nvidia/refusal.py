"""Why a machine gets no driver, and what to do about it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(eq=False)
class Refusal(Exception):
    """Something that stands in the way.

    Args:
        problem: in one sentence.
        expected: what would have to be.
        found: what is.
        next: what to do.

    """

    problem: str
    expected: str
    found: str
    next: str
