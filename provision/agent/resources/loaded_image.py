"""An image that came from the controller, without a registry."""

from __future__ import annotations

import time
from typing import Iterator, Sequence

from provision.agent.docker_api import Docker, DockerError
from provision.agent.failure import Failure
from provision.agent.resource import Difference, Resource, State
from provision.agent.resources.image_layers import has_image
from provision.agent.system import System

_SHOWN = 0.3  # seconds between two reports of progress


class LoadedImage(Resource):
    """An image in the host's Docker, loaded from an archive that the controller sends.

    The archive may lack layers that the host has. One that breaks off leaves nothing behind.

    Args:
        name: its reference on the host.
        layers: the ids of all its layers, the lowest first.
        sha256: of the archive, by which the controller is asked for it.
        size: of the archive in bytes.

    """

    name: str
    layers: Sequence[str]
    sha256: str
    size: int

    def expected(self, system: System) -> State:
        """Return that it is there."""
        return {self.name: "present"}

    def actual(self, system: System) -> State:
        """Return whether it is there; another one of the same name is not it."""
        found = has_image(Docker(system), self.name, self.layers)
        return {self.name: {True: "present", False: "absent", None: "another one"}[found]}

    def fix(self, system: System, difference: Difference) -> None:
        """Hand the archive over to Docker as it comes."""
        docker = Docker(system)
        try:
            docker.load(self._pieces(system), self.size)
        except DockerError as error:
            raise self._failure(error.message) from error
        if not has_image(docker, self.name, self.layers):
            raise self._failure("it ended without the image")

    def _failure(self, found: str) -> Failure:
        hint = "look at the disk's space and at Docker on the host, then run it again"
        return Failure("Docker did not load {}".format(self.name), found=found, hint=hint)

    def _pieces(self, system: System) -> Iterator[bytes]:
        done, shown = 0, 0.0
        for piece in system.fetch_content(self.sha256):
            yield piece
            done += len(piece)
            if time.monotonic() - shown > _SHOWN or done == self.size:
                shown = time.monotonic()
                system.emitter.progress("sending " + self.name, done, self.size, "bytes")
