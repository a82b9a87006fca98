"""How a check says that it failed."""

from __future__ import annotations

from collections.abc import Iterable

_MOST = 8  # findings in one message; the rest is counted


class UnmetError(AssertionError):
    """A check failed; its text tells what was expected, what was found, and what to do."""


def demand(expected: str, *, found: Iterable[str], todo: str) -> None:
    """Fail the check if anything was found.

    Args:
        expected: how it should be.
        found: what is otherwise, a few words each, with the name of the container or file.
        todo: what to do about it.

    """
    wrong = list(found)
    if not wrong:
        return
    more = f" and {len(wrong) - _MOST} more" if len(wrong) > _MOST else ""
    raise UnmetError(f"expected {expected}; found {'; '.join(wrong[:_MOST])}{more}. {todo}")
