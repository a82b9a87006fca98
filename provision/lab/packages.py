"""The lab's own package repository: signed, with stand-ins for what only NVIDIA's has."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from provision.errors import ProvisionError
from provision.lab.execution import execute
from provision.lab.images import Images
from provision.lab.layout import PACKAGES_HOST, Layout

if TYPE_CHECKING:
    from docker.models.containers import Container

VERSIONS = ("1.17.8-1", "1.19.1-1")
"""Of the stand-ins for the container toolkit; see ``docker/lab-packages``."""

START_TIMEOUT = 30.0
_FINGERPRINT = "/srv/packages/fingerprint"


class Packages:
    """The repository of one lab, reached by its hosts only."""

    def __init__(self, images: Images, layout: Layout) -> None:
        self.client = images.client
        self.layout = layout

    def ensure(self, image: str) -> dict[str, str]:
        """Run the repository from ``image``, unless it runs.

        Returns:
            The inventory variables that point hosts at it.

        """
        name = self.layout.packages_container
        found = self.client.containers.list(all=True, filters={"name": f"^{name}$"})
        container = found[0] if found else self._create(image)
        if container.status != "running":
            container.start()
        return {
            "nvidia_container_toolkit_repository": f"http://{PACKAGES_HOST}",
            "nvidia_container_toolkit_key_fingerprint": _fingerprint(container),
        }

    def _create(self, image: str) -> Container:
        api = self.client.api
        endpoint = api.create_endpoint_config(
            aliases=[PACKAGES_HOST], ipv4_address=str(self.layout.packages_address)
        )
        created = api.create_container(
            image,
            name=self.layout.packages_container,
            labels=self.layout.labels,
            host_config=api.create_host_config(restart_policy={"Name": "unless-stopped"}),
            networking_config={"EndpointsConfig": {self.layout.name: endpoint}},
        )
        return self.client.containers.get(created["Id"])


def _fingerprint(container: Container) -> str:
    """Return that of the key, which is made when the repository starts for the first time."""
    deadline = time.monotonic() + START_TIMEOUT
    while time.monotonic() < deadline:
        done = execute(container, ["cat", _FINGERPRINT])
        if done.returncode == 0 and done.stdout.strip():
            return done.stdout.strip()
        time.sleep(0.2)
    log = container.logs(tail=5).decode(errors="replace").strip()
    raise ProvisionError(f"the lab's package repository did not start:\n  {log}")
