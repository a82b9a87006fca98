"""Turns what hosts answer into events, with diffs that a person can read."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping
from typing import Any

from provision.engine.events import (
    Event,
    HostReleased,
    Status,
    TaskFinished,
    TaskOutput,
    TaskProgress,
    TaskStarted,
)
from provision.tasks.deployed import Deployed
from provision.transport.result import Result

_STATUS = {
    "ok": Status.OK,
    "changed": Status.CHANGED,
    "unknown": Status.UNKNOWN,
    "failed": Status.FAILED,
    "cancelled": Status.INTERRUPTED,
    "not_run": Status.NOT_RUN,
    "skipped": Status.SKIPPED,
}
_NEVER_SHOWN = {"run"}  # a property that says nothing beyond "this would be run"
_WORDS = ((None, "none"), (True, "yes"), (False, "no"))


class EventObserver:
    """The ``provision.tasks.host.Observer`` of a run.

    Args:
        emit: takes the events.

    """

    def __init__(self, emit: Callable[[Event], None]) -> None:
        self._emit = emit

    def started(self, host: str, label: str) -> None:
        """Emit ``TaskStarted``."""
        self._emit(TaskStarted(host=host, task=label))

    def progressed(self, host: str, label: str, event: Mapping[str, Any]) -> None:
        """Emit ``TaskOutput`` or ``TaskProgress``."""
        if event["event"] == "output":
            output = TaskOutput(host=host, task=label, stream=event["stream"], text=event["text"])
            self._emit(output)
        elif event["event"] == "progress":
            self._emit(
                TaskProgress(
                    host=host,
                    task=label,
                    label=event.get("label", ""),
                    done=event.get("done", 0),
                    total=event.get("total"),
                    unit=event.get("unit", ""),
                )
            )

    def finished(self, host: str, label: str, result: Result, *, ignored: bool) -> None:
        """Emit ``TaskFinished``."""
        status = _STATUS[result.status]
        if ignored and status is Status.FAILED:
            status = Status.IGNORED
        self._emit(
            TaskFinished(
                host=host,
                task=label,
                status=status,
                message=result.message or summarise(result.changes),
                expected=result.expected,
                found=result.found,
                log=result.log,
                hint=result.hint,
                diff=render_changes(result.changes),
                seconds=result.seconds,
            )
        )

    def deployed(self, host: str, deployed: Deployed, result: Result) -> None:
        """Emit ``HostReleased``."""
        before, _ = result.changes.get("current", (deployed.release, None))
        self._emit(
            HostReleased(
                host=host,
                role=deployed.role,
                release=deployed.release,
                replaced=before or "",
                images=dict(deployed.images),
            )
        )


def render_changes(changes: Mapping[str, tuple[Any, Any]]) -> str:
    """Return changes as text: a unified diff for content, ``~ property: old -> new`` for others."""
    lines = [
        f"~ {name}: {_shown(name, old)} -> {_shown(name, new)}"
        for name, (old, new) in changes.items()
        if name != "content" and name not in _NEVER_SHOWN
    ]
    if "content" in changes:
        old, new = changes["content"]
        lines += difflib.unified_diff(
            (old or "").splitlines(), (new or "").splitlines(), "before", "after", lineterm="", n=2
        )
    return "\n".join(lines)


def summarise(changes: Mapping[str, tuple[Any, Any]]) -> str:
    """Return changes in one line, for where no diff is shown; content only says that it differs."""
    parts = [
        "content" if name == "content" else f"{name} {_shown(name, old)} -> {_shown(name, new)}"
        for name, (old, new) in changes.items()
        if name not in _NEVER_SHOWN
    ]
    return ", ".join(parts)


def _shown(name: str, value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{key} {_shown(key, item)}" for key, item in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(str(item) for item in value) or "none"
    if name == "mode" and isinstance(value, int):
        return f"{value:04o}"
    if name == "sha256" and value is not None:
        return str(value)[:12]
    return next((word for known, word in _WORDS if value is known), str(value))
