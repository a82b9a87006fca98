"""How a check says that it failed."""

from __future__ import annotations

from collections.abc import Iterable

_MOST = 8  # findings in one message; the rest is counted


class UnmetError(AssertionError):
    """A check failed.

    Args:
        expected: how it should be.
        found: how it is instead.
        hint: what to do about it.

    """

    def __init__(self, expected: str, found: str, hint: str) -> None:
        super().__init__(f"expected {expected}; found {found}. {hint}")
        self.expected = expected
        self.found = found
        self.hint = hint


def demand(expected: str, *, found: Iterable[str], todo: str) -> None:
    """Fail the check if anything was found.

    Args:
        expected: how it should be.
        found: what is otherwise, a few words each, with the name of the container or file.
        todo: what to do about it.

    """
    __tracebackhide__ = True
    wrong = list(found)
    if wrong:
        more = f" and {len(wrong) - _MOST} more" if len(wrong) > _MOST else ""
        raise UnmetError(expected, "; ".join(wrong[:_MOST]) + more, todo)
