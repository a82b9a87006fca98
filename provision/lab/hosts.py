"""The hosts of a lab: as many containers as are wanted."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from provision.errors import UsageError
from provision.lab import base, container, host, inventory
from provision.lab.at_once import each
from provision.lab.container import HOST_LABEL
from provision.lab.credentials import Credentials
from provision.lab.host import LabHost
from provision.lab.images import Images
from provision.lab.layout import CREDENTIALS_LABEL, NAME_LABEL, Layout, host_names, host_number

if TYPE_CHECKING:
    from docker.models.containers import Container

DEFAULT_HOSTS = 3


class Hosts:
    """The containers that are one lab's hosts.

    Args:
        name: of the lab.
        images: the machine's Docker, and what the hosts are made of.
        credentials: with which people get in.

    """

    def __init__(self, name: str, images: Images, credentials: Credentials) -> None:
        self._name = name
        self._images = images
        self._credentials = credentials

    def containers(self) -> dict[str, Container]:
        """Return those that there are, running or not, by name; in the order of their numbers."""
        ours = f"{NAME_LABEL}={self._name}"
        found = self._images.client.containers.list(all=True, filters={"label": ours})
        hosts = {each.labels[HOST_LABEL]: each for each in found if HOST_LABEL in each.labels}
        return {name: hosts[name] for name in sorted(hosts, key=host_number)}

    def container(self, name: str) -> Container:
        """Return the container of the host ``name``; that there is none is a ``UsageError``."""
        there = self.containers()
        if name not in there:
            known = ", ".join(there) or "none"
            raise UsageError(f"no lab host is called {name!r}", hint=f"there are: {known}")
        return there[name]

    def described(self, layout: Layout) -> list[LabHost]:
        """Return how each is reached, in the same order."""
        return [
            host.describe(layout, self._credentials, name, container.simulated_gpus(found))
            for name, found in self.containers().items()
        ]

    def keys(self) -> list[str]:
        """Return the public key of each one's SSH server, in the same order."""
        return each(list(self.containers().values()), container.host_key)

    def bring_up(self, layout: Layout, count: int | None, simulated_gpus: int) -> None:
        """Have ``count`` of them running: make those that lack, remove the surplus.

        Args:
            layout: of the lab's network.
            count: how many; None keeps those that are there, or makes three.
            simulated_gpus: how many the trainer's host pretends to have, should it be made now.

        """
        there = self.containers()
        self._refuse_strangers(there)
        names = host_names(count or len(there) or DEFAULT_HOSTS)
        gpus = dict.fromkeys(inventory.groups(names)["trainer"], simulated_gpus)
        _refuse_other_gpus(there, gpus)
        for surplus in sorted(there.keys() - set(names)):
            self._images.say(f"removing {surplus}")
            there[surplus].remove(force=True, v=True)
        image = self._image(base.RELEASE) if set(names) - there.keys() else ""

        def provide(name: str) -> None:
            if name in there:
                container.ensure_running(there[name], layout.port(name))
            else:
                self._start(layout, name, image, gpus.get(name, 0))

        each(names, provide)

    def replace(self, layout: Layout, name: str, release: str, simulated_gpus: int) -> Container:
        """Put a fresh one in the place of ``name``, on the same address and port."""
        image = self._image(release)
        self.container(name).remove(force=True, v=True)
        return self._start(layout, name, image, simulated_gpus)

    def _image(self, release: str) -> str:
        repository = f"provision-lab-host-{release}"
        return self._images.build_own("lab-host", repository, base.ensure(self._images, release))

    def _start(self, layout: Layout, name: str, image: str, simulated_gpus: int) -> Container:
        if simulated_gpus:
            image = self._images.build_own("lab-gpu", "provision-lab-gpu", image)
        created = container.create(
            self._images.client, layout, self._credentials, name, image, simulated_gpus
        )
        container.wait_until_running(created, layout.port(name))
        return created

    def _refuse_strangers(self, containers: Mapping[str, Container]) -> None:
        """Stop where they were made with keys of another directory: nobody could log in."""
        ours = self._credentials.fingerprint()
        if any(found.labels.get(CREDENTIALS_LABEL) != ours for found in containers.values()):
            raise UsageError(
                f"the lab {self._name!r} is up already, with other keys than those in "
                f"{self._credentials.directory}",
                hint=f"remove it: provision lab --name {self._name} down; or use another --name",
            )


def _refuse_other_gpus(there: Mapping[str, Container], wanted: Mapping[str, int]) -> None:
    for name, number in wanted.items():
        has = container.simulated_gpus(there[name]) if name in there else number
        if number and has != number:
            raise UsageError(
                f"{name} is there already, with {has} simulated GPUs",
                hint="provision lab down, then up again",
            )
