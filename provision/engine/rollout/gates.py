"""What is asked from outside before a rollout goes on: ``<role>_gate`` in the inventory.

game_server_gate:
  - grpc: "{{ bind_address }}:50051"          # asked by this machine, of each host of the batch
  - tcp: "{{ bind_address }}:50051"
    from: trainer                             # asked by each of these hosts
  - http: "http://{{ bind_address }}:8080/metrics"
    contains: games_total
  - command: gates/win-rate --at-least 0.5    # run here, once a batch
    timeout: 120
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from provision.agent.resources.wait_for import WaitFor
from provision.errors import Location, UsageError, did_you_mean
from provision.source import location_of
from provision.stack.variables import templater_for

_KINDS = ("tcp", "http", "grpc", "command")
_OPTIONS = {
    "tcp": {"from", "timeout"},
    "http": {"from", "timeout", "status", "contains", "validate_certs"},
    "grpc": {"from", "timeout", "service"},
    "command": {"timeout"},
}
_TIMEOUT = 30.0  # seconds that a gate has to open
_PLACE = re.compile(r"(?P<host>\[[0-9a-fA-F:.%]+\]|[^:\[\]]+):(?P<port>\d+)")


@dataclass(frozen=True)
class Gate:
    """One question, its templates rendered for one host.

    Attributes:
        kind: tcp, http, grpc or command.
        target: ``host:port``, a URL, or a command line.
        asked_by: a pattern of hosts; empty for this machine.
        timeout: seconds that it has to open.
        options: further ones of its kind.
        where: in the inventory.

    """

    kind: str
    target: str
    asked_by: str
    timeout: float
    options: Mapping[str, Any]
    where: Location | None

    @property
    def name(self) -> str:
        """What a person calls it."""
        return f"gate {self.kind} {self.target}" + (
            f" from {self.asked_by}" if self.asked_by else ""
        )

    @property
    def argv(self) -> list[str]:
        """The command."""
        return shlex.split(self.target)

    def question(self) -> WaitFor:
        """Return what the asking host waits for."""
        given = {"timeout": self.timeout, **self.options}
        if self.kind == "http":
            return WaitFor(url=self.target, **given)
        if self.kind == "grpc":
            return WaitFor(grpc=self.target, **given)
        place = _PLACE.fullmatch(self.target)
        assert place is not None  # noqa: S101 - see `_checked`
        return WaitFor(host=place["host"].strip("[]"), port=int(place["port"]), **given)


def gates_of(role: str, variables: Mapping[str, Any]) -> list[Gate]:
    """Return the gates of a role, rendered for the host with these variables.

    Raises:
        UsageError: something in them cannot be meant.

    """
    given = variables.get(f"{role}_gate")
    if given is None:
        return []
    entries = given if isinstance(given, list) else [given]
    templater = templater_for(variables, None)
    return [_gate(f"{role}_gate", entry, templater.render(entry)) for entry in entries]


def _gate(variable: str, entry: object, rendered: object) -> Gate:
    where = location_of(entry)
    if not isinstance(rendered, Mapping):
        raise UsageError(f"{variable}: a gate is a mapping", where=where, hint=_hint())
    kinds = [kind for kind in _KINDS if kind in rendered]
    if len(kinds) != 1:
        raise UsageError(
            f"{variable}: a gate has exactly one of {', '.join(_KINDS)}", where=where, hint=_hint()
        )
    kind = kinds[0]
    for word in rendered:
        if word != kind and word not in _OPTIONS[kind]:
            raise UsageError(
                f"{variable}: {kind} has no {word!r}",
                where=where,
                hint=did_you_mean(str(word), _OPTIONS[kind]),
            )
    target = _checked(variable, kind, rendered[kind], where)
    options = {key: it for key, it in rendered.items() if key not in {kind, "from", "timeout"}}
    if isinstance(options.get("status"), int):
        options["status"] = [options["status"]]
    asked_by = str(rendered.get("from", ""))
    return Gate(kind, target, asked_by, _seconds(variable, rendered, where), options, where)


def _checked(variable: str, kind: str, value: object, where: Location | None) -> str:
    words: Sequence[object] = value if isinstance(value, list) else [value]
    target = shlex.join(map(str, words)) if isinstance(value, list) else str(value).strip()
    fits = {
        "tcp": _PLACE.fullmatch(target),
        "grpc": _PLACE.fullmatch(target),
        "http": re.match(r"https?://[^/]", target),
        "command": target,
    }
    if not fits[kind]:
        wanted = {"http": "a URL", "command": "a command line"}.get(kind, "host:port")
        raise UsageError(f"{variable}: {kind}: {target!r} is not {wanted}", where=where)
    return target


def _seconds(variable: str, rendered: Mapping[str, Any], where: Location | None) -> float:
    value = rendered.get("timeout", _TIMEOUT)
    try:
        return float(value)
    except (TypeError, ValueError):
        raise UsageError(
            f"{variable}: timeout: {value!r} is no number of seconds", where=where
        ) from None


def _hint() -> str:
    return 'such as `- grpc: "{{ bind_address }}:50051"`; see docs/deploys.md'
