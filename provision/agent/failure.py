"""How a resource says that it could not be brought to the expected state."""

from __future__ import annotations

from typing import Any, Dict, Iterable, Optional, Tuple


class Failure(Exception):
    """A resource failed; everything in it is meant to be read by a person.

    Args:
        message: what went wrong, in one sentence.
        expected: what should have been the case, where that says more.
        found: what was the case instead.
        log: the last lines of the failing program's output.
        hint: what to do about it.
        data: what it reports all the same, such as a program's exit code and output.

    """

    def __init__(
        self,
        message: str,
        *,
        expected: str = "",
        found: str = "",
        log: Iterable[str] = (),
        hint: str = "",
        data: Optional[Dict[str, Any]] = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.expected = expected
        self.found = found
        self.log: Tuple[str, ...] = tuple(log)
        self.hint = hint
        self.data = data or {}


class NotThereYet(Failure):
    """Something that the resource builds on is missing: a unit, a user, a directory.

    Applying, that is a plain failure. Planning, an earlier resource of the same stream may be about
    to create it, and the answer is "unknown until applied".
    """


class Cancelled(Exception):
    """The controller asked the agent to stop what it is doing."""
