"""Versions that are mixed: a service of several hosts whose containers are of different images."""

from __future__ import annotations

from collections.abc import Sequence

from provision.engine.status.status import Status
from provision.report.line import Line, Span, Style, line
from provision.report.text import clean, fit_name

_SHORT = 20  # characters of a host's name in a list
_FEW = 5  # names, of which a longer list is cut


def mixed_lines(status: Status) -> list[Line]:
    """Say where a service's containers are of different images, as after half a deploy."""
    images: dict[tuple[str, str], dict[str, list[str]]] = {}
    for host in status.hosts:
        for row in host.services:
            if row.state != "absent":
                named = images.setdefault((row.role, row.name), {})
                named.setdefault(clean(row.image), []).append(host.name)
    return [
        line(
            Span(f"mixed     {role} {service}: ", Style.FAILED),
            "; ".join(
                f"{short_image(image)} on {few_names(names)}" for image, names in of_it.items()
            ),
        )
        for (role, service), of_it in images.items()
        if len(of_it) > 1
    ]


def short_image(image: str) -> str:
    """Return an image without its registry and path, and a digest's first digits."""
    name = image.rpartition("/")[2]
    plain, _, digest = name.partition("@sha256:")
    return f"{plain}@{digest[:12]}" if digest else plain


def few_names(names: Sequence[str]) -> str:
    """Return the first of some hosts' names."""
    shown = [fit_name(name, _SHORT) for name in names[:_FEW]]
    return ", ".join([*shown, "…"] if len(names) > _FEW else shown)
