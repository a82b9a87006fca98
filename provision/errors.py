"""Errors that a person can act on, and the exit codes that they lead to.

This module is the floor of the house: it imports nothing of ours.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum


class ExitCode(IntEnum):
    """What the ``provision`` command tells the shell."""

    OK = 0
    USAGE = 1
    PENDING = 2  # --check found changes to make: drift
    FAILED = 3
    UNREACHABLE = 4
    UNVERIFIED = 5
    INTERRUPTED = 130


@dataclass(frozen=True)
class Location:
    """A place in a file of the user's; lines and columns count from 1."""

    path: str
    line: int | None = None
    column: int | None = None

    def __str__(self) -> str:
        parts = [self.path]
        if self.line is not None:
            parts.append(str(self.line))
            if self.column is not None:
                parts.append(str(self.column))
        return ":".join(parts)


class ProvisionError(Exception):
    """A failure whose message is meant for the person at the terminal.

    Args:
        message: what is wrong, in one sentence.
        where: the place in the user's files that has to change.
        hint: what to do about it; shown on a line of its own.

    """

    exit_code = ExitCode.USAGE

    def __init__(
        self, message: str, *, where: Location | None = None, hint: str | None = None
    ) -> None:
        super().__init__(message)
        self.message = message
        self.where = where
        self.hint = hint

    def __str__(self) -> str:
        text = f"{self.where}: {self.message}" if self.where else self.message
        return f"{text}\n  hint: {self.hint}" if self.hint else text


class UsageError(ProvisionError):
    """Bad input: a file, an option or a name that cannot be meant."""


class TaskError(ProvisionError):
    """A task could not bring a host to the expected state."""

    exit_code = ExitCode.FAILED


class UnreachableError(ProvisionError):
    """A host could not be connected to, or its connection was lost."""

    exit_code = ExitCode.UNREACHABLE


class VerificationError(ProvisionError):
    """The hosts were prepared, but the checks do not prove it."""

    exit_code = ExitCode.UNVERIFIED


def nearest(word: str, known: Iterable[str]) -> str | None:
    """Return the known word that ``word`` was probably meant to be, or None."""
    matches = difflib.get_close_matches(word, list(known), n=1, cutoff=0.6)
    return matches[0] if matches else None


def did_you_mean(word: str, known: Iterable[str]) -> str | None:
    """Return a hint naming the nearest known word, else listing all of them when they are few."""
    names = sorted(known)
    match = nearest(word, names)
    if match is not None:
        return f"did you mean {match!r}?"
    few = 30
    return f"known: {', '.join(names)}" if 0 < len(names) <= few else None
