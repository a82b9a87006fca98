"""Rules about what is run."""

from __future__ import annotations

from collections.abc import Iterator

from provision.stack.finding import Problem, Service, rule


@rule("image-tag")
def image_tag(service: Service) -> Iterator[Problem]:
    """An image without a tag, or `latest`, is another one on each host and on each day."""
    reference = service.image
    if not reference or "@sha256:" in reference:
        return
    tag = reference.rpartition("/")[2].partition(":")[2]
    if tag in {"", "latest"}:
        yield Problem(
            f"the image {reference!r} has {'the tag `latest`' if tag else 'no tag'}",
            "name a version; the deploy pins it to its digest",
        )


@rule("image")
def image(service: Service) -> Iterator[Problem]:
    """Hosts pull; they have no source to build from."""
    if "build" in service.spec:
        yield Problem(
            "`build` on a host has no source to build from", "build and push, then `image`"
        )
    elif not service.image:
        yield Problem("there is no image", "set the variable that the template takes `image` from")
