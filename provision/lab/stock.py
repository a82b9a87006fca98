"""The stock of a lab's registry: images that are built here and pushed."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from provision.lab import base, services
from provision.lab.at_once import each
from provision.lab.credentials import Credentials
from provision.lab.images import Images, read_context
from provision.lab.layout import REGISTRY, Layout
from provision.lab.registry import Registry
from provision.lab.services import Service


class Stock:
    """What the registry of one lab offers; it runs from then on.

    Args:
        images: the machine's Docker, which builds them.
        layout: of the lab's network.
        credentials: of the registry.

    """

    def __init__(self, images: Images, layout: Layout, credentials: Credentials) -> None:
        self._images = images
        self._base = base.ensure(images)
        self._registry = Registry(images, layout, credentials)
        own = images.build_own("lab-registry", "provision-lab-registry", self._base)
        self._registry.ensure(own)

    def fill(self) -> None:
        """Put into it what changed of the stack's images."""

        def provide(alike: list[Service]) -> None:
            for service in alike:
                repository = f"provision-lab-{service.name}"
                image = self._images.build_own(
                    service.directory, repository, self._base, service.arguments
                )
                if self._registry.push(image, service.name, service.tag):
                    self._images.say(f"pushed {service.reference}")

        each(services.by_directory(), provide)

    def publish(self, directory: Path, name: str, tag: str, arguments: Mapping[str, str]) -> str:
        """Build an image of a directory and put it into the registry; see ``Lab.publish``."""
        given = {"BASE": self._base, **arguments}
        image = self._images.build(f"provision-lab-{name}", read_context(directory), given)
        self._registry.push(image, name, tag)
        return f"{REGISTRY}/{name}@{self._registry.digest(name, tag)}"
