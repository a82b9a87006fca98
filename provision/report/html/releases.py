"""Which release of each role runs where now, and of which images it is made."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from provision.engine.events import HostReleased
from provision.report.html.names import where
from provision.report.html.record import Record
from provision.report.text import clean


class Image(NamedTuple):
    """An image by its name, and what that stood for in this run."""

    name: str
    digest: str


class Release(NamedTuple):
    """A release on some hosts; ``replaced`` is empty where there was none before."""

    id: str
    replaced: str
    where: str
    hosts: Sequence[str]

    @property
    def is_new(self) -> bool:
        """Whether it came with this run."""
        return self.id != self.replaced


class Role(NamedTuple):
    """A role of the stack."""

    name: str
    images: Sequence[Image]
    releases: Sequence[Release]


def roles(record: Record) -> list[Role]:
    """Return the roles that the run has looked after, in its order."""
    by_role: dict[str, list[HostReleased]] = {}
    for event in record.released.values():
        by_role.setdefault(event.role, []).append(event)
    return [_role(name, events, record.hosts) for name, events in by_role.items()]


def _role(name: str, events: Sequence[HostReleased], order: Sequence[str]) -> Role:
    hosts: dict[tuple[str, str], list[str]] = {}
    images: dict[Image, None] = {}
    for event in events:
        hosts.setdefault((event.release, event.replaced), []).append(event.host)
        images |= dict.fromkeys(_images(event.images))
    releases = [
        Release(release, before, where(named, order), named)
        for (release, before), named in hosts.items()
    ]
    return Role(clean(name), sorted(images), releases)


def _images(images: Mapping[str, str]) -> list[Image]:
    return [Image(clean(name), clean(_bytes(name, pulled))) for name, pulled in images.items()]


def _bytes(name: str, pulled: str) -> str:
    """Return the digest, or what else an image without one is called so that it is known."""
    return pulled.partition("@")[2] or (pulled if pulled != name else "")
