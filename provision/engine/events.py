"""What happens during a run, as it happens.

The engine emits these; ``provision.report`` turns them into a live view, plain lines, JSON, or a
page. An event is a fact of the past: frozen, and true for ever. Times are Unix seconds.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class Status(StrEnum):
    """How one task ended on one host."""

    OK = "ok"
    CHANGED = "changed"
    FAILED = "failed"
    INTERRUPTED = "interrupted"  # the run was to end, and so it was ended half-way
    IGNORED = "ignored"  # failed, and the play said to go on
    SKIPPED = "skipped"  # its `when` was false, or its tags were not asked for
    NOT_RUN = "not_run"  # something before it failed
    UNKNOWN = "unknown"  # check mode: it depends on a change that check mode does not make


@dataclass(frozen=True, kw_only=True)
class Event:
    """Something that happened."""

    at: float = field(default_factory=time.time)


@dataclass(frozen=True, kw_only=True)
class RunStarted(Event):
    """A command began to work on hosts; ``by`` says who gave it, such as ``ana@laptop``."""

    run: str
    command: str
    hosts: tuple[str, ...]
    check: bool = False
    by: str = ""


@dataclass(frozen=True, kw_only=True)
class PhaseStarted(Event):
    """A phase of a deploy began: lint, preflight, prepare, a role, verify."""

    phase: str
    hosts: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class PhaseFinished(Event):
    """A phase ended; ``summary`` is a few words, such as ``6/6 ok``."""

    phase: str
    ok: bool
    summary: str
    seconds: float


@dataclass(frozen=True, kw_only=True)
class HostEvent(Event):
    """Something that happened on one host."""

    host: str


@dataclass(frozen=True, kw_only=True)
class TaskStarted(HostEvent):
    """A resource or task began to be looked at."""

    task: str


@dataclass(frozen=True, kw_only=True)
class TaskOutput(HostEvent):
    """A running command printed something (whole lines where possible)."""

    task: str
    stream: str  # "stdout" or "stderr"
    text: str


@dataclass(frozen=True, kw_only=True)
class TaskProgress(HostEvent):
    """A long step moved on: a pull, an upload, a wait. ``total`` is None where unknown."""

    task: str
    label: str
    done: int
    total: int | None
    unit: str = "bytes"


@dataclass(frozen=True, kw_only=True)
class TaskFinished(HostEvent):
    """A task ended; secrets in ``diff``, ``message`` and ``details`` are masked already.

    Args:
        status: how it ended.
        message: one line: the error of a failure, or what was changed.
        expected: what the failed task wanted to see, where that says more than ``message``.
        found: what it saw instead.
        log: the last lines of the failing program's output.
        hint: what to do next.
        diff: a unified diff, or one ``~ property: old -> new`` line each; empty when unchanged.
        seconds: how long the host worked on it.

    """

    task: str
    status: Status
    message: str = ""
    expected: str = ""
    found: str = ""
    log: tuple[str, ...] = ()
    hint: str = ""
    diff: str = ""
    seconds: float = 0.0
    tags: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class HostUnreachable(HostEvent):
    """A host could not be connected to, or its connection was lost while it worked."""

    message: str
    hint: str = ""


@dataclass(frozen=True, kw_only=True)
class HostDescribed(HostEvent):
    """What a host runs on, as it was found: ``system``, ``kernel``, ``docker``, ``gpu``."""

    versions: Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class HostReleased(HostEvent):
    """A role's release is the current one on a host (in check mode: would be).

    Args:
        role: of the stack.
        release: its id.
        replaced: what was current before this run; the same where nothing was switched, empty
            where there was nothing.
        images: as the template names them -> as they are pulled.

    """

    role: str
    release: str
    replaced: str
    images: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class HostRecap:
    """The counts of one host's run, and its time in seconds."""

    ok: int = 0
    changed: int = 0
    unreachable: int = 0
    failed: int = 0
    interrupted: int = 0
    skipped: int = 0
    seconds: float = 0.0


@dataclass(frozen=True, kw_only=True)
class RunFinished(Event):
    """The end of a run: its ``provision.errors.ExitCode`` and each host's counts."""

    run: str
    exit_code: int
    seconds: float
    recap: Mapping[str, HostRecap]
    notes: tuple[str, ...] = ()


Listener = Callable[[Event], None]


class EventBus:
    """Hands each event to every listener, one at a time, in order, from whatever thread."""

    def __init__(self, *listeners: Listener) -> None:
        self._listeners = list(listeners)
        self._lock = threading.Lock()

    def subscribe(self, listener: Listener) -> None:
        """Add a listener for all events from now on."""
        with self._lock:
            self._listeners.append(listener)

    def emit(self, event: Event) -> None:
        """Give ``event`` to all listeners."""
        with self._lock:
            for listener in self._listeners:
                listener(event)
