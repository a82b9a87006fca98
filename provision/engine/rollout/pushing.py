"""``--push-images``: from this machine's Docker into those of the hosts, without a registry."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from provision.agent.resources.image_layers import ImageLayers
from provision.agent.resources.loaded_image import LoadedImage
from provision.images.local import LocalImage, LocalImages
from provision.stack.model import ComposeProject
from provision.tasks.host import Host

if TYPE_CHECKING:
    from provision.engine.run import Run

Projects = Mapping[str, tuple[ComposeProject, ...]]


class Push:
    """The images of one run.

    Args:
        run: whose ``info.images`` knows what the hosts call them from then on.
        projects: what each host is to run.

    Raises:
        UsageError: this machine lacks some of them.

    """

    def __init__(self, run: Run, projects: Projects) -> None:
        self._run = run
        self._projects = projects
        self._local = LocalImages()
        names = {image for each in projects.values() for it in each for image in it.images}
        self._images = self._local.find(names)
        run.info.images.know({name: image.reference for name, image in self._images.items()})

    def send(self, hosts: Sequence[str]) -> bool:
        """Send every host what it lacks, all at the same time; return whether all have it now."""
        return self._run.phase("push", hosts, lambda: self._run.each(hosts, self._send_to))

    def _send_to(self, host: Host) -> None:
        wanted = self._wanted(host.name)
        if not wanted:
            return
        layers = {image.reference: image.layers for image in wanted}
        has = host.ask(ImageLayers(layers=layers), name="image layers")
        for image in wanted:
            if image.reference in has["loaded"]:
                continue
            archive = self._local.archive(image, has["present"][image.reference])
            host.apply(
                LoadedImage(
                    name=image.reference,
                    layers=image.layers,
                    sha256=archive.sha256,
                    size=archive.size,
                ),
                name=f"image {image.name}",
                content=archive.path,
            )

    def _wanted(self, host: str) -> list[LocalImage]:
        names = {image for project in self._projects[host] for image in project.images}
        return [self._images[name] for name in sorted(names)]

    def close(self) -> None:
        """Remove what was taken out of Docker."""
        self._local.close()
