"""Events as JSON objects and back: the format of ``--json`` and of the run log.

An object names its kind in ``event`` (``task_finished``) and then holds the fields of the class of
that name in ``provision.engine.events``, under the same names.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from provision.engine import events
from provision.engine.events import Event, HostRecap, RunFinished, Status

_KINDS: tuple[type[Event], ...] = (
    events.RunStarted,
    events.PhaseStarted,
    events.PhaseFinished,
    events.TaskStarted,
    events.TaskOutput,
    events.TaskProgress,
    events.TaskFinished,
    events.HostUnreachable,
    events.HostDescribed,
    events.HostReleased,
    events.RunFinished,
)


def kind_name(kind: type[Event]) -> str:
    """Return what JSON calls a class of events: ``TaskFinished`` is ``task_finished``."""
    return re.sub(r"(?<!^)(?=[A-Z])", "_", kind.__name__).lower()


_BY_NAME = {kind_name(kind): kind for kind in _KINDS}
_NAMES = {kind: name for name, kind in _BY_NAME.items()}


def encode(event: Event) -> dict[str, object]:
    """Return the object of an event: ``event`` and ``at`` first, then its fields."""
    content: dict[str, object] = {"event": _NAMES[type(event)], **vars(event)}
    if isinstance(event, RunFinished):
        content["recap"] = {host: vars(counts) for host, counts in event.recap.items()}
    return content


def decode(content: Mapping[str, Any]) -> Event:
    """Return the event of an object.

    Raises:
        ValueError: when it is none; the text says why.

    """
    kind = _BY_NAME.get(content.get("event", ""))
    if kind is None:
        raise ValueError(f"unknown event {content.get('event')!r}")
    known = {entry.name for entry in fields(kind)}
    values = {key: _restored(key, value) for key, value in content.items() if key in known}
    try:
        return kind(**values)
    except TypeError:
        missing = ", ".join(sorted(known - set(values)))
        raise ValueError(f"{content['event']} lacks one of: {missing}") from None


def _restored(key: str, value: Any) -> Any:
    if key == "status":
        return Status(value)
    if key == "recap":
        return {host: HostRecap(**counts) for host, counts in value.items()}
    return tuple(value) if isinstance(value, list) else value
