"""What an agent is told: one JSON object a line, see ``provision.agent.session``."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from provision.agent.declaration import Declaration
from provision.agent.resource import Query

Message = dict[str, Any]


def as_line(message: Message) -> bytes:
    """Return a message as it travels."""
    return json.dumps(message, separators=(",", ":")).encode("utf-8", "surrogateescape") + b"\n"


ALIVE = as_line({"op": "alive"})


def to_carry_out(
    declaration: Declaration,
    *,
    check: bool,
    keep_going: bool,
    notify: Iterable[str],
    environment: Mapping[str, str] | None,
) -> Message:
    """Return what makes an agent carry a declaration out, but for its ``id``."""
    message: Message = {
        "op": "ask" if isinstance(declaration, Query) else "apply",
        "kind": declaration.kind(),
        "fields": declaration.fields(),
    }
    if check:
        message["check"] = True
    if keep_going:
        message["keep_going"] = True
    if names := list(notify):
        message["notify"] = names
    if environment:
        message["environment"] = dict(environment)
    return message
