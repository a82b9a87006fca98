"""What an image's name stands for at this moment, so that every host runs the same bytes."""

from __future__ import annotations

from typing import Any, Dict, Optional, Sequence

from provision.agent import registry_auth
from provision.agent.at_once import at_once
from provision.agent.docker_api import Docker, DockerError
from provision.agent.failure import Failure, NotThereYet
from provision.agent.registry_errors import unreachable, why
from provision.agent.resource import Data, Query
from provision.agent.system import System


class ImageDigests(Query):
    """Ask the registries for the digests of images, with the daemon's own trust and settings.

    Args:
        name: references; those that have a digest stand for themselves.
        credentials: registry -> username and password, instead of what the host has stored.
        config: Docker's client configuration with the stored ones.

    """

    name: Sequence[str]
    credentials: Dict[str, Sequence[str]] = {}  # noqa: RUF012 - declarations are frozen
    config: str = registry_auth.CONFIG

    def answer(self, system: System) -> Data:
        """Return ``digests`` (name -> name with digest) and ``problems`` (name -> failure).

        ``unavailable`` says why nothing could be asked. An image that no registry was ever asked
        for, because somebody has loaded it into this host's Docker, stands for itself.
        """
        try:
            Docker(system).version()
        except NotThereYet as missing:
            return {"digests": {}, "problems": {}, "unavailable": missing.message}
        answers = at_once(lambda name: self._ask(system, name), self.name)
        return {
            "digests": {name: it["image"] for name, it in answers.items() if "image" in it},
            "problems": {name: it for name, it in answers.items() if "image" not in it},
        }

    def _ask(self, system: System, image: str) -> Dict[str, Any]:
        if "@" in image:
            return {"image": image}
        server = registry_auth.registry_of(image)
        try:
            headers = registry_auth.headers(system, server, self.credentials, self.config)
            answer = Docker(system).get("/distribution/{}/json".format(image), headers=headers)
            return {"image": "{}@{}".format(image, answer["Descriptor"]["digest"])}
        except DockerError as error:
            local = self._local(system, image, is_down=unreachable(error.message))
            if local is not None:
                return {"image": local}
            shown = "docker.io" if server == registry_auth.HUB else server
            return _problem(why("looking up " + image, error.message, server=shown, image=image))
        except Failure as failure:
            return _problem(failure)

    @staticmethod
    def _local(system: System, image: str, *, is_down: bool) -> Optional[str]:
        """Return what this host itself knows of an image that its registry does not tell of."""
        try:
            known = Docker(system).get("/images/{}/json".format(image)).get("RepoDigests") or []
        except DockerError:
            return None
        if not known:
            return image
        digest = known[0].rpartition("@")[2]
        return "{}@{}".format(image, digest) if is_down else None


def _problem(failure: Failure) -> Dict[str, Any]:
    return {"message": failure.message, "found": failure.found, "hint": failure.hint}
