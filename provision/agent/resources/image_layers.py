"""How much of images a host has already, so that only the rest is sent."""

from __future__ import annotations

from typing import Any, List, Mapping, Optional, Sequence, Set, Tuple

from provision.agent.docker_api import Docker, DockerError
from provision.agent.resource import Data, Query
from provision.agent.system import System

_NOT_FOUND = 404
_CONTAINERD = "io.containerd.snapshotter.v1"


class ImageLayers(Query):
    """Ask how many of an image's lowest layers the host's Docker need not be sent.

    Args:
        layers: reference -> the ids of its layers, the lowest first.

    """

    layers: Mapping[str, Sequence[str]]

    def answer(self, system: System) -> Data:
        """Return ``present``: reference -> a number of layers, and ``loaded``: whole images.

        A layer counts where all below it are those of the asked image: only then can Docker name
        it. Docker that keeps images in containerd's store takes whole ones only.
        """
        docker = Docker(system)
        loaded = [name for name, it in self.layers.items() if has_image(docker, name, it)]
        lacking = {name: it for name, it in self.layers.items() if name not in loaded}
        known = set() if not lacking or _keeps_whole_images(docker) else _stacks(docker)
        present = {name: _count(it, known) for name, it in lacking.items()}
        return {"present": present, "loaded": loaded}


def has_image(docker: Docker, name: str, layers: Sequence[str]) -> Optional[bool]:
    """Tell whether there is an image of this name; None where it is made of other layers."""
    try:
        image = docker.get("/images/{}/json".format(name))
    except DockerError as error:
        if error.status == _NOT_FOUND:
            return False
        raise
    return True if _layers(image) == tuple(layers) else None


def _keeps_whole_images(docker: Docker) -> bool:
    status: List[Sequence[str]] = docker.get("/info").get("DriverStatus") or []
    return any(len(pair) > 1 and pair[1] == _CONTAINERD for pair in status)


def _stacks(docker: Docker) -> Set[Tuple[str, ...]]:
    """Return every stack of layers that some image of the host begins with."""
    found: Set[Tuple[str, ...]] = set()
    for entry in docker.get("/images/json", {"all": 1}):
        layers = _layers(docker.get("/images/{}/json".format(entry["Id"])))
        found.update(layers[:height] for height in range(1, len(layers) + 1))
    return found


def _count(layers: Sequence[str], known: Set[Tuple[str, ...]]) -> int:
    heights = range(len(layers), 0, -1)
    return next((height for height in heights if tuple(layers[:height]) in known), 0)


def _layers(image: Mapping[str, Any]) -> Tuple[str, ...]:
    """Return the ids of an image's layers, the lowest first."""
    return tuple((image.get("RootFS") or {}).get("Layers") or ())
