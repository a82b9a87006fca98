"""What is checked, and what comes out of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from provision.agent.resource import Query

Outcome = Literal["passed", "failed", "skipped"]


@dataclass(frozen=True)
class Completed:
    """How a shell command ended; bytes that are not UTF-8 are kept as surrogates."""

    rc: int
    stdout: str
    stderr: str


@dataclass(frozen=True)
class Target:
    """A host to check, over a connection that is open already.

    Args:
        name: as in the inventory.
        groups: those that it is in.
        variables: what templates see of it, rendered when looked at.
        execute: runs a shell command there as root, whatever its exit code; from any thread.
        ask: asks the host's agent something, from any thread.

    ``execute`` and ``ask`` raise ``UnreachableError`` when the connection is lost, and another
    ``ProvisionError`` when there is no answer.

    """

    name: str
    groups: tuple[str, ...]
    variables: Mapping[str, Any]
    execute: Callable[[str], Completed]
    ask: Callable[[Query], Mapping[str, Any]]


@dataclass(frozen=True)
class Check:
    """The result of one check on one host.

    Args:
        suite: its subject: ``docker``, ``network``, a role, or the name of a file of the user's.
        name: what should be the case, as a sentence.
        message: of a failure: what was expected, what was found, what to do; of a skip: why.
        expected, found, hint: the parts of a failure's message, where it has these parts.
        seconds: how long it took.

    """

    host: str
    suite: str
    name: str
    outcome: Outcome
    message: str = ""
    expected: str = ""
    found: str = ""
    hint: str = ""
    seconds: float = 0.0
