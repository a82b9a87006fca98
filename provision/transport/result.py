"""What an agent answers."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Result:
    """What the agent answered to one declaration; see ``provision.agent.session``.

    Args:
        status: ok, changed, unknown, failed, not_run or cancelled.
        changes: property -> (actual, expected).
        data: what the resource reports beside its state, or a query's answer.
        seconds: how long the host worked on it.

    """

    status: str
    changes: dict[str, tuple[Any, Any]] = field(default_factory=dict)
    data: dict[str, Any] = field(default_factory=dict)
    message: str = ""
    expected: str = ""
    found: str = ""
    log: tuple[str, ...] = ()
    hint: str = ""
    seconds: float = 0.0


def result_of(event: dict[str, Any]) -> Result:
    """Return what a "result" event says, without the ``id`` that told which one it answers."""
    fields = {name: value for name, value in event.items() if name != "id"}
    fields["log"] = tuple(event.get("log", ()))
    fields["changes"] = {name: tuple(pair) for name, pair in event.get("changes", {}).items()}
    return Result(**fields)
