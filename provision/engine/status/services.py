"""The services of one host as Docker has them, beside what the release declares of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, replace
from typing import Any

from provision.stack.release import Release
from provision.transport.result import Result
from provision.verify.container import Container


@dataclass(frozen=True)
class ServiceStatus:
    """A service of one host.

    Args:
        state: how its containers are: ``healthy``, ``2 healthy``, ``absent``, ….
        expected: the same, as it should be.
        restarts: by Docker, of all its containers, since they were made.
        uptime: seconds since the youngest of them started; None where none runs.
        drift: what a deploy would change: ``image``, ``configuration``, ``undeclared``.
        last_words: what the last health check of a container that is not well printed.

    """

    role: str
    name: str
    state: str
    expected: str
    image: str = ""
    restarts: int = 0
    uptime: float | None = None
    drift: tuple[str, ...] = ()
    last_words: str = ""

    @property
    def is_well(self) -> bool:
        """Whether it runs as it should."""
        return self.state == self.expected


def services_of(
    releases: Sequence[Release], drifts: Sequence[Future[Result]], data: Mapping[str, Any]
) -> tuple[ServiceStatus, ...]:
    """Return a row for each declared service, and for each that is there undeclared.

    Args:
        releases: what a deploy would run.
        drifts: for each of them, what a deploy would change.
        data: what the host has answered to a ``Survey`` of its containers.

    """
    containers = [Container(entry) for entry in data["containers"]]
    mine = [it for it in containers if not it.is_one_off]
    rows: list[ServiceStatus] = []
    for release, drift in zip(releases, drifts, strict=True):
        project = release.project
        there = [it for it in mine if it.project == project.name]
        changes = drift.result().changes
        wishes = release.running().services
        for name in [*wishes, *sorted({it.service for it in there} - set(wishes))]:
            of_it = [it for it in there if it.service == name]
            row = _service(project.role, name, of_it, wishes.get(name), float(data["time"]))
            rows.append(_with_drift(row, name, changes))
    return tuple(rows)


def _service(
    role: str,
    name: str,
    containers: Sequence[Container],
    wish: Mapping[str, Any] | None,
    now: float,
) -> ServiceStatus:
    running = [it.started for it in containers if it.inspected["State"]["Running"]]
    state = _summary([it.condition for it in containers])
    ailing = [it.last_words for it in containers if it.condition not in ("healthy", "running")]
    return ServiceStatus(
        role=role,
        name=name,
        state=state,
        expected=state if wish is None else _expected(wish),
        image=containers[0].image if containers else str((wish or {}).get("image", "")),
        restarts=sum(it.restarts for it in containers),
        uptime=max(0.0, now - max(running)) if running else None,
        drift=("undeclared",) if wish is None else (),
        last_words=next(filter(None, ailing), ""),
    )


def _with_drift(
    row: ServiceStatus, name: str, changes: Mapping[str, tuple[Any, Any]]
) -> ServiceStatus:
    if row.state == "absent":
        return row
    kinds = [kind for kind in ("image", "configuration") if f"{name} {kind}" in changes]
    return replace(row, drift=(*row.drift, *kinds))


def _expected(wish: Mapping[str, Any]) -> str:
    good = "healthy" if wish["has_health"] else "running"
    good = "exited with 0" if wish["one_shot"] else good
    return _summary([good] * int(wish["replicas"]))


def _summary(conditions: Sequence[str]) -> str:
    """Return ``healthy``, ``2 healthy, exited with 1`` or ``absent``."""
    counts = {condition: conditions.count(condition) for condition in sorted(set(conditions))}
    parts = [name if number == 1 else f"{number} {name}" for name, number in counts.items()]
    return ", ".join(parts) or "absent"
