"""A lab: hosts, a registry and an inventory, under one name on this machine."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from provision.lab import (
    at_once,
    base,
    container,
    docker_api,
    host,
    inventory,
    lock,
    network,
    services,
)
from provision.lab.credentials import Credentials, write_private
from provision.lab.execution import Completed, execute
from provision.lab.host import LabHost
from provision.lab.hosts import Hosts
from provision.lab.images import Images, Say
from provision.lab.layout import DEFAULT_NAME, LABEL, NAME_LABEL, Layout
from provision.lab.packages import Packages
from provision.lab.stock import Stock
from provision.lab.variant import Variant

if TYPE_CHECKING:
    from docker import DockerClient
    from docker.models.containers import Container


class Lab:
    """Hosts as containers; every call may be repeated.

    Args:
        name: of the lab. Labs of different names live side by side and never touch each other.
        directory: for keys, passwords and known_hosts.
        inventory_file: what to write; by default ``inventory.yml`` in ``directory``.
        say: is told, one line each, about steps that take a while.

    """

    def __init__(
        self,
        name: str = DEFAULT_NAME,
        directory: Path = Path(".lab"),
        *,
        inventory_file: Path | None = None,
        say: Say = lambda line: None,
    ) -> None:
        self.name = name
        self.credentials = Credentials(directory.absolute())
        self.inventory_file = (inventory_file or directory / "inventory.yml").absolute()
        self._say = say

    def up(
        self, hosts: int | None = None, *, with_images: bool = True, simulated_gpus: int = 0
    ) -> list[LabHost]:
        """Bring the lab to ``hosts`` running hosts, and write its inventory.

        Args:
            hosts: how many; None keeps those that are there, or makes three.
            with_images: whether to run the registry and fill it with the stack's images.
            simulated_gpus: how many GPUs the trainer's host pretends to have, should it be made
                now; 0 keeps what there is.

        Returns:
            The hosts, all booted and reachable.

        """
        with self._changing():
            self.credentials.ensure()
            layout = network.ensure(self._client, self.name)
            self._hosts.bring_up(layout, hosts, simulated_gpus)
            written = self._write(layout)
            if with_images:
                Stock(self._images, layout, self.credentials).fill()
            return written

    def publish(self, directory: Path, name: str, tag: str, **arguments: str) -> str:
        """Build an image and put it into the registry, which runs from then on.

        Args:
            directory: with a Dockerfile that starts from its argument ``BASE``.
            name: of the repository.
            tag: of the image.
            arguments: further ones of the build.

        Returns:
            The image's reference with its digest, as hosts pull it.

        """
        with self._changing():
            layout = network.ensure(self._client, self.name)
            stock = Stock(self._images, layout, self.credentials)
            return stock.publish(directory, name, tag, arguments)

    def down(self) -> None:
        """Remove the hosts, the registry and the network; images, keys and the volume stay."""
        with self._changing():
            containers = self._client.containers.list(all=True, filters=self._filter)
            at_once.each(containers, lambda found: found.remove(force=True, v=True))
            for found in self._client.networks.list(filters=self._filter):
                found.remove()
            inventory.remove(self.inventory_file)

    def down_all(self) -> None:
        """Remove everything that the lab has made, its keys and volume included.

        The images go as well, unless there is another lab: labs share them.
        """
        self.down()
        with self._changing():
            for volume in self._client.volumes.list(filters=self._filter):
                volume.remove(force=True)
            if self._client.networks.list(filters={"label": LABEL}):
                self._say("the images stay: another lab uses them")
            else:
                self._images.remove_all()
        self.credentials.remove()

    @property
    def hosts(self) -> list[LabHost]:
        """The hosts that there are, running or not, in the order of their numbers."""
        layout = network.find(self._client, self.name)
        if layout is None:
            return []
        return self._hosts.described(layout)

    def status(self) -> dict[str, str]:
        """Return the state of each of the lab's containers, by name: ``running``, ``exited``, …."""
        containers = self._client.containers.list(all=True, filters=self._filter)
        prefix = f"{self.name}-"
        return {str(each.name).removeprefix(prefix): each.status for each in containers}

    def host(self, name: str) -> LabHost:
        """Return the host ``name``; one that there is not is a ``UsageError``."""
        self.container(name)
        return next(each for each in self.hosts if each.name == name)

    def exec(
        self, name: str, argv: Sequence[str], *, user: str = "root", timeout: float = 60.0
    ) -> Completed:
        """Run a command on a host out of band: it works whatever became of its network and sshd."""
        return execute(self.container(name), argv, user=user, timeout=timeout)

    def reset(
        self,
        name: str,
        *,
        variant: Variant = Variant.BARE,
        release: str = base.RELEASE,
        simulated_gpus: int = 0,
    ) -> LabHost:
        """Replace a host by a fresh one: bare, with a new host key, on the same address and port.

        Args:
            name: of the host.
            variant: what is different about the new one.
            release: its Debian, such as ``bookworm`` for an old one.
            simulated_gpus: how many GPUs it pretends to have.

        """
        with self._changing():
            layout = network.ensure(self._client, self.name)
            container.adapt(self._hosts.replace(layout, name, release, simulated_gpus), variant)
            self._write(layout)
            return host.describe(layout, self.credentials, name, simulated_gpus)

    def container(self, name: str) -> Container:
        """Return the container of a host, for what only Docker can do to it: pause, kill, ….

        Raises:
            UsageError: when there is no such host.

        """
        return self._hosts.container(name)

    # -- parts -----------------------------------------------------------------------------

    @contextmanager
    def _changing(self) -> Iterator[None]:
        with lock.held(self.credentials.directory), docker_api.explained():
            yield

    @cached_property
    def _client(self) -> DockerClient:
        return docker_api.connect()

    @cached_property
    def _images(self) -> Images:
        return Images(self._client, self._say)

    @cached_property
    def _hosts(self) -> Hosts:
        return Hosts(self.name, self._images, self.credentials)

    @property
    def _filter(self) -> dict[str, str | list[str] | bool]:
        return {"label": f"{NAME_LABEL}={self.name}"}

    def _write(self, layout: Layout) -> list[LabHost]:
        """Write known_hosts and the inventory, and return the hosts that they tell of."""
        hosts, keys = self._hosts.described(layout), self._hosts.keys()
        known = (
            f"[{each.address}]:{each.port} {key}\n" for each, key in zip(hosts, keys, strict=True)
        )
        write_private(self.credentials.known_hosts, "".join(known).encode())
        variables = services.variables(services.available()) | self._packages(layout, hosts)
        text = inventory.render(hosts, self.credentials, variables)
        inventory.write(self.inventory_file, text)
        return hosts

    def _packages(self, layout: Layout, hosts: Sequence[LabHost]) -> dict[str, str]:
        """Run the package repository where a host needs it; return the variables that name it."""
        if not any(each.simulated_gpus for each in hosts):
            return {}
        base_image = base.ensure(self._images)
        image = self._images.build_own("lab-packages", "provision-lab-packages", base_image)
        return Packages(self._images, layout).ensure(image)
