"""Images of this machine's Docker, on their way to hosts without a registry.

``docker save`` knows no half images, but ``docker load`` takes them: a layer may be absent from
the archive where the daemon has all layers up to it. (Seen with dockerd 26.1; one that keeps images
in containerd's store wants all of them. Of an archive that breaks off neither keeps anything.)
"""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
import tempfile
import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from provision.errors import TaskError, UsageError

if TYPE_CHECKING:
    from docker import DockerClient

_DIGITS = 12  # of an image's id, enough for a tag
_TIMEOUT = 600  # seconds without an answer of the daemon, which may be busy writing layers


@dataclass(frozen=True)
class LocalImage:
    """An image of this machine.

    Attributes:
        name: as the template names it.
        reference: what hosts call it: its repository, and its id for a tag, so that the name
            stands for these bytes everywhere and for ever.
        id: its own, with ``sha256:``.
        layers: the ids of its layers, the lowest first.

    """

    name: str
    reference: str
    id: str
    layers: tuple[str, ...]


@dataclass(frozen=True)
class Archive:
    """What ``docker load`` gets; ``sha256`` and ``size`` (bytes) are of the file."""

    path: Path
    sha256: str
    size: int


@dataclass
class LocalImages:
    """This machine's images, and their archives in a directory that ``close`` removes."""

    _client: DockerClient | None = None
    _directory: Any = None
    _archives: dict[tuple[str, int], Archive] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def find(self, names: Iterable[str]) -> dict[str, LocalImage]:
        """Return images by their names.

        Raises:
            UsageError: there is no Docker here, or it lacks some; all of them are named.

        """
        from docker.errors import ImageNotFound

        client = self._docker()
        found: dict[str, LocalImage] = {}
        missing = []
        for name in sorted(set(names)):
            try:
                attributes = client.images.get(name).attrs
            except ImageNotFound:
                missing.append(name)
            else:
                found[name] = _described(name, attributes)
        if missing:
            raise UsageError(
                f"this machine's Docker lacks {', '.join(missing)}",
                hint="build it (provision build) or pull it here; --push-images takes it from here",
            )
        return found

    def archive(self, image: LocalImage, present: int) -> Archive:
        """Return an archive of an image without its lowest ``present`` layers; made once.

        Raises:
            TaskError: Docker does not give it away.

        """
        with self._lock:
            key = (image.reference, present)
            if key not in self._archives:
                self._archives[key] = self._made(image, present)
            return self._archives[key]

    def close(self) -> None:
        """Remove the archives."""
        if self._directory is not None:
            self._directory.cleanup()

    def _made(self, image: LocalImage, present: int) -> Archive:
        from docker.errors import DockerException

        path = self._folder() / f"{image.id.removeprefix('sha256:')}-{present}.tar"
        whole = path.with_name(f"{image.id.removeprefix('sha256:')}.saved")
        try:
            if not whole.exists():
                _save(self._docker(), image.id, whole)
            with path.open("wb") as target:
                _write_part(whole, target, image, present)
        except (DockerException, OSError, tarfile.TarError) as error:
            raise TaskError(f"{image.name} cannot be taken out of Docker: {error}") from error
        with path.open("rb") as written:
            digest = hashlib.file_digest(written, "sha256").hexdigest()
        return Archive(path, digest, path.stat().st_size)

    def _folder(self) -> Path:
        if self._directory is None:
            self._directory = tempfile.TemporaryDirectory(prefix="provision-images-")
        return Path(self._directory.name)

    def _docker(self) -> DockerClient:
        import docker
        from docker.errors import DockerException

        if self._client is None:
            try:
                self._client = docker.from_env(timeout=_TIMEOUT)
                self._client.ping()
            except DockerException as error:
                raise UsageError(
                    f"this machine's Docker does not answer: {error}",
                    hint="--push-images takes the images from it",
                ) from None
        return self._client


def _described(name: str, attributes: Mapping[str, Any]) -> LocalImage:
    image = str(attributes["Id"])
    repository = name.partition("@")[0]
    head, colon, tag = repository.rpartition(":")
    repository = head if colon and "/" not in tag else repository
    reference = f"{repository}:{image.removeprefix('sha256:')[:_DIGITS]}"
    return LocalImage(name, reference, image, tuple(attributes["RootFS"]["Layers"]))


def _save(client: DockerClient, image: str, path: Path) -> None:
    """Write what ``docker save`` gives, whole or not at all."""
    beside = path.with_suffix(".part")
    with beside.open("wb") as file:
        for chunk in client.api.get_image(image):
            file.write(chunk)
    beside.replace(path)


def _write_part(whole: Path, target: IO[bytes], image: LocalImage, present: int) -> None:
    """Write an archive in the form of Docker's "image specification v1.2", with fewer layers."""
    with tarfile.open(whole) as source, tarfile.open(fileobj=target, mode="w") as part:
        (manifest,) = json.load(_member(source, "manifest.json"))
        config = _member(source, manifest["Config"]).read()
        names = [f"{layer.removeprefix('sha256:')}.tar" for layer in image.layers]
        described = {"Config": "config.json", "RepoTags": [image.reference], "Layers": names}
        _add(part, "config.json", io.BytesIO(config))
        for number, (name, layer) in enumerate(zip(names, manifest["Layers"], strict=True)):
            if number >= present and name not in names[:number]:
                _add(part, name, _member(source, layer))
        _add(part, "manifest.json", io.BytesIO(json.dumps([described]).encode()))


def _member(archive: tarfile.TarFile, name: str) -> IO[bytes]:
    """Open a file of an archive; a layer that an image has twice is a link to the first."""
    found = archive.extractfile(name)
    if found is None:
        raise tarfile.ReadError(f"{name} is no file")
    return found


def _add(archive: tarfile.TarFile, name: str, content: IO[bytes]) -> None:
    entry = tarfile.TarInfo(name)
    entry.size = content.seek(0, io.SEEK_END)
    content.seek(0)
    archive.addfile(entry, content)
