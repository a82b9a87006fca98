"""A lab: hosts, a registry and an inventory, under one name on this machine."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, TypeVar

from provision import project
from provision.errors import UsageError
from provision.lab import base, container, docker_api, host, inventory, lock, network, services
from provision.lab.container import HOST_LABEL, Completed
from provision.lab.credentials import Credentials, write_private
from provision.lab.host import LabHost
from provision.lab.images import Images, Say, read_context
from provision.lab.layout import (
    CREDENTIALS_LABEL,
    DEFAULT_NAME,
    LABEL,
    NAME_LABEL,
    REGISTRY,
    Layout,
    host_names,
    host_number,
)
from provision.lab.packages import Packages
from provision.lab.registry import Registry
from provision.lab.services import Service
from provision.lab.variant import Variant

if TYPE_CHECKING:
    from docker import DockerClient
    from docker.models.containers import Container

DEFAULT_HOSTS = 3
_AT_ONCE = 8
T = TypeVar("T")
R = TypeVar("R")


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
            self._bring_up(layout, hosts, simulated_gpus)
            written = self._write(layout)
            if with_images:
                self._fill_registry(layout)
            return written

    def _bring_up(self, layout: Layout, count: int | None, simulated_gpus: int) -> None:
        there = self._containers()
        self._refuse_strangers(there)
        names = host_names(count or len(there) or DEFAULT_HOSTS)
        gpus = dict.fromkeys(inventory.groups(names)["trainer"], simulated_gpus)
        self._refuse_other_gpus(there, gpus)
        for surplus in sorted(there.keys() - set(names)):
            self._say(f"removing {surplus}")
            there[surplus].remove(force=True, v=True)
        image = self._host_image(base.RELEASE) if set(names) - there.keys() else ""

        def provide(name: str) -> None:
            if name in there:
                container.ensure_running(there[name], layout.port(name))
            else:
                self._start(layout, name, image, gpus.get(name, 0))

        self._each(names, provide)

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
            base_image = base.ensure(self._images)
            registry = self._registry(layout, base_image)
            context = read_context(directory)
            given = {"BASE": base_image, **arguments}
            image = self._images.build(f"provision-lab-{name}", context, given)
            registry.push(image, name, tag)
            return f"{REGISTRY}/{name}@{registry.digest(name, tag)}"

    def _registry(self, layout: Layout, base_image: str) -> Registry:
        registry = Registry(self._images, layout, self.credentials)
        registry.ensure(self._build("lab-registry", "provision-lab-registry", base_image))
        return registry

    def _fill_registry(self, layout: Layout) -> None:
        """Run the registry, and put into it what changed of the stack's images."""
        base_image = base.ensure(self._images)
        registry = self._registry(layout, base_image)

        def provide(alike: list[Service]) -> None:
            for service in alike:
                repository = f"provision-lab-{service.name}"
                image = self._build(service.directory, repository, base_image, service.arguments)
                if registry.push(image, service.name, service.tag):
                    self._say(f"pushed {service.reference}")

        self._each(services.by_directory(), provide)

    def down(self) -> None:
        """Remove the hosts, the registry and the network; images, keys and the volume stay."""
        with self._changing():
            containers = self._client.containers.list(all=True, filters=self._filter)
            self._each(containers, lambda each: each.remove(force=True, v=True))
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
        return self._described(layout, self._containers())

    def status(self) -> dict[str, str]:
        """Return the state of each of the lab's containers, by name: ``running``, ``exited``, …."""
        containers = self._client.containers.list(all=True, filters=self._filter)
        prefix = f"{self.name}-"
        return {str(each.name).removeprefix(prefix): each.status for each in containers}

    def host(self, name: str) -> LabHost:
        """Return the host ``name``; one that there is not is a ``UsageError``."""
        for candidate in self.hosts:
            if candidate.name == name:
                return candidate
        raise self._no_host(name)

    def exec(
        self, name: str, argv: Sequence[str], *, user: str = "root", timeout: float = 60.0
    ) -> Completed:
        """Run a command on a host out of band: it works whatever became of its network and sshd."""
        return container.execute(self.container(name), list(argv), user=user, timeout=timeout)

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
            image = self._host_image(release)
            self.container(name).remove(force=True, v=True)
            container.adapt(self._start(layout, name, image, simulated_gpus), variant)
            self._write(layout)
            return host.describe(layout, self.credentials, name, simulated_gpus)

    def container(self, name: str) -> Container:
        """Return the container of a host, for what only Docker can do to it: pause, kill, ….

        Raises:
            UsageError: when there is no such host.

        """
        try:
            return self._containers()[name]
        except KeyError:
            raise self._no_host(name) from None

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

    @property
    def _filter(self) -> dict[str, str | list[str] | bool]:
        return {"label": f"{NAME_LABEL}={self.name}"}

    def _containers(self) -> dict[str, Container]:
        found = self._client.containers.list(all=True, filters=self._filter)
        hosts = {each.labels[HOST_LABEL]: each for each in found if HOST_LABEL in each.labels}
        return {name: hosts[name] for name in sorted(hosts, key=host_number)}

    def _no_host(self, name: str) -> UsageError:
        known = ", ".join(self._containers()) or "none"
        return UsageError(f"no lab host is called {name!r}", hint=f"there are: {known}")

    def _refuse_strangers(self, containers: Mapping[str, Container]) -> None:
        """Stop where the hosts were made with keys of another directory: nobody could log in."""
        ours = self.credentials.fingerprint()
        for each in containers.values():
            if each.labels.get(CREDENTIALS_LABEL) != ours:
                raise UsageError(
                    f"the lab {self.name!r} is up already, with other keys than those in "
                    f"{self.credentials.directory}",
                    hint=f"remove it: provision lab --name {self.name} down; or use another --name",
                )

    @staticmethod
    def _refuse_other_gpus(there: Mapping[str, Container], wanted: Mapping[str, int]) -> None:
        for name, number in wanted.items():
            has = container.simulated_gpus(there[name]) if name in there else number
            if number and has != number:
                raise UsageError(
                    f"{name} is there already, with {has} simulated GPUs",
                    hint="provision lab down, then up again",
                )

    def _host_image(self, release: str) -> str:
        base_image = base.ensure(self._images, release)
        return self._build("lab-host", f"provision-lab-host-{release}", base_image)

    def _build(
        self,
        directory: str,
        repository: str,
        base_image: str,
        arguments: Mapping[str, str] = MappingProxyType({}),
    ) -> str:
        context = read_context(project.find("docker", directory))
        return self._images.build(repository, context, {"BASE": base_image, **arguments})

    def _start(self, layout: Layout, name: str, image: str, simulated_gpus: int) -> Container:
        if simulated_gpus:
            image = self._build("lab-gpu", "provision-lab-gpu", image)
        created = container.create(
            self._client, layout, self.credentials, name, image, simulated_gpus
        )
        container.wait_until_running(created, layout.port(name))
        return created

    def _write(self, layout: Layout) -> list[LabHost]:
        """Write known_hosts and the inventory, and return the hosts that they tell of."""
        containers = self._containers()
        hosts = self._described(layout, containers)
        keys = self._each(list(containers.values()), container.host_key)
        known = (
            f"[{each.address}]:{each.port} {key}\n" for each, key in zip(hosts, keys, strict=True)
        )
        write_private(self.credentials.known_hosts, "".join(known).encode())
        variables = services.variables(services.available()) | self._packages(layout, hosts)
        text = inventory.render(hosts, self.credentials, variables)
        inventory.write(self.inventory_file, text)
        return hosts

    def _described(self, layout: Layout, containers: Mapping[str, Container]) -> list[LabHost]:
        return [
            host.describe(layout, self.credentials, name, container.simulated_gpus(each))
            for name, each in containers.items()
        ]

    def _packages(self, layout: Layout, hosts: Sequence[LabHost]) -> dict[str, str]:
        """Run the package repository where a host needs it; return the variables that name it."""
        if not any(each.simulated_gpus for each in hosts):
            return {}
        image = self._build("lab-packages", "provision-lab-packages", base.ensure(self._images))
        return Packages(self._images, layout).ensure(image)

    @staticmethod
    def _each(items: Sequence[T], work: Callable[[T], R]) -> list[R]:
        with ThreadPoolExecutor(max_workers=_AT_ONCE) as pool:
            return list(pool.map(work, items))
