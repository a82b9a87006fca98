"""Images in a host's Docker."""

from __future__ import annotations

import time
from typing import Any, Dict, List, Mapping, Sequence, Tuple, Union

from provision.agent import registry_auth
from provision.agent.docker_api import Docker, DockerError
from provision.agent.registry_errors import may_pass, why
from provision.agent.resource import Difference, Resource, State, names
from provision.agent.system import System

_NOT_FOUND = 404
_ATTEMPTS = 3  # a registry that many hosts pull from at once stumbles now and then
_PAUSE = 2.0  # seconds between them, growing
_SHOWN = 0.3  # seconds between two reports of progress
_DOWNLOADED = ("Verifying Checksum", "Download complete", "Extracting", "Pull complete")


class DockerImage(Resource):
    """One image or several, pulled where they are missing.

    Args:
        name: references, best with a digest (``redis@sha256:…``). A tag that the host has is not
            asked for again, even if the registry has moved it since.
        credentials: registry -> username and password, instead of what the host has stored.
        config: Docker's client configuration with the stored ones.

    """

    name: Union[str, List[str]]
    credentials: Dict[str, Sequence[str]] = {}  # noqa: RUF012 - declarations are frozen
    config: str = registry_auth.CONFIG

    def expected(self, system: System) -> State:
        """Return that all of them are there."""
        return dict.fromkeys(names(self.name), "present")

    def actual(self, system: System) -> State:
        """Return which ones are there."""
        docker = Docker(system)
        return {image: _presence(docker, image) for image in names(self.name)}

    def fix(self, system: System, difference: Difference) -> None:
        """Pull those that are missing."""
        for image in difference:
            self._pull(system, image)

    def _pull(self, system: System, image: str) -> None:
        server = registry_auth.registry_of(image)
        headers = registry_auth.headers(system, server, self.credentials, self.config)
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                return _stream(system, image, headers)
            except DockerError as error:
                if attempt == _ATTEMPTS or not may_pass(error.message):
                    shown = "docker.io" if server == registry_auth.HUB else server
                    doing = "pulling " + image
                    raise why(doing, error.message, server=shown, image=image) from error
                time.sleep(_PAUSE * attempt)


def _presence(docker: Docker, image: str) -> str:
    try:
        docker.get("/images/{}/json".format(image))
    except DockerError as error:
        if error.status == _NOT_FOUND:
            return "absent"
        raise
    return "present"


def _stream(system: System, image: str, headers: Mapping[str, str]) -> None:
    repository, tag = split(image)
    query = {"fromImage": repository, "tag": tag}
    layers = Layers()
    shown = 0.0
    for message in Docker(system).stream("/images/create", query, headers):
        layers.update(message)
        if layers.total and time.monotonic() - shown > _SHOWN:
            shown = time.monotonic()
            label = "{} {}".format(layers.phase, image)
            system.emitter.progress(label, layers.done, layers.total, "bytes")


def split(image: str) -> Tuple[str, str]:
    """Return repository and tag, or repository and digest, which counts more than a tag."""
    rest, at, digest = image.partition("@")
    head, colon, tag = rest.rpartition(":")
    is_tagged = bool(colon) and "/" not in tag
    repository = head if is_tagged else rest
    return repository, digest if at else (tag if is_tagged else "latest")


class Layers:
    """How far a pull is: all layers together are downloaded, then unpacked one after the other."""

    def __init__(self) -> None:
        self._sizes: Dict[str, int] = {}
        self._downloaded: Dict[str, int] = {}
        self._unpacked: Dict[str, int] = {}

    def update(self, message: Mapping[str, Any]) -> None:
        """Take one message of a pull."""
        layer, status = str(message.get("id", "")), message.get("status")
        detail = message.get("progressDetail") or {}
        if status == "Downloading" and detail.get("total"):
            self._sizes[layer] = detail["total"]
            self._downloaded[layer] = detail["current"]
        elif layer in self._sizes and status in _DOWNLOADED:
            self._downloaded[layer] = self._sizes[layer]
            if status == "Extracting":
                self._unpacked[layer] = detail.get("current", 0)
            elif status == "Pull complete":
                self._unpacked[layer] = self._sizes[layer]

    @property
    def phase(self) -> str:
        """What is being waited for."""
        return "pulling" if sum(self._downloaded.values()) < self.total else "unpacking"

    @property
    def done(self) -> int:
        """Bytes done of the phase."""
        counted = self._downloaded if self.phase == "pulling" else self._unpacked
        return sum(counted.values())

    @property
    def total(self) -> int:
        """Bytes to download, as far as known yet."""
        return sum(self._sizes.values())
