"""Local images, tagged with the hash of what they are made of: rebuilt only when that changes."""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from provision import project
from provision.errors import ProvisionError
from provision.lab import lock
from provision.lab.archive import Entry, pack
from provision.lab.layout import LABEL

if TYPE_CHECKING:
    from docker import DockerClient
    from docker.models.images import Image

BUILD_TIMEOUT = 900  # seconds without a word from the builder
_TAIL = 15

Context = Mapping[str, Entry]  # by file name
Say = Callable[[str], None]


def read_context(directory: Path) -> dict[str, Entry]:
    """Return the files that ``docker build`` would send of ``directory``.

    ``.dockerignore`` counts; of the files' modes only the executable bit does.
    """
    from docker.utils.build import exclude_paths

    ignore = directory / ".dockerignore"
    patterns = ignore.read_text(encoding="utf-8").split("\n") if ignore.exists() else []
    names = exclude_paths(str(directory), [line.strip() for line in patterns if line.strip()])
    files = (directory / name for name in sorted(names))
    return {
        str(path.relative_to(directory)): Entry(path.read_bytes(), _mode(path))
        for path in files
        if path.is_file() and "__pycache__" not in path.parts
    }


def _mode(path: Path) -> int:
    return 0o755 if path.stat().st_mode & 0o100 else 0o644


def content_hash(context: Context, arguments: Mapping[str, str]) -> str:
    """Return twelve hex digits that change whenever the built image would."""
    digest = hashlib.sha256(json.dumps(dict(arguments), sort_keys=True).encode())
    digest.update(pack(context))
    return digest.hexdigest()[:12]


class Images:
    """The lab's images in this machine's Docker daemon; ``say`` hears of every build."""

    def __init__(self, client: DockerClient, say: Say) -> None:
        self.client = client
        self.say = say

    def has(self, tag: str) -> bool:
        """Return whether there is a local image ``tag``."""
        from docker.errors import ImageNotFound

        try:
            self.client.images.get(tag)
        except ImageNotFound:
            return False
        return True

    def build(self, repository: str, context: Context, arguments: Mapping[str, str]) -> str:
        """Build ``context`` unless an image of the same content is there.

        Args:
            repository: what the image is called; its tag is the content's hash.
            context: the files of the build, with a ``Dockerfile``.
            arguments: the build's ``ARG`` values.

        Returns:
            The image's full tag.

        """
        tag = f"{repository}:{content_hash(context, arguments)}"
        with lock.held_for_all_labs(repository):
            if not self.has(tag):
                self.say(f"building the image {repository}")
                self._build(tag, context, arguments)
                self.forget_older(repository, tag)
        return tag

    def build_own(
        self,
        directory: str,
        repository: str,
        base_image: str,
        arguments: Mapping[str, str] = MappingProxyType({}),
    ) -> str:
        """Build what lies in ``directory`` below ``docker/``, on ``base_image``; see ``build``."""
        context = read_context(project.find("docker", directory))
        return self.build(repository, context, {"BASE": base_image, **arguments})

    def _build(self, tag: str, context: Context, arguments: Mapping[str, str]) -> None:
        lines = self.client.api.build(
            fileobj=io.BytesIO(pack(context)),
            custom_context=True,
            tag=tag,
            buildargs=dict(arguments),
            labels={LABEL: "1"},
            rm=True,
            forcerm=True,
            decode=True,
            timeout=BUILD_TIMEOUT,
        )
        output = ""
        for line in lines:
            output += str(line.get("stream", ""))
            if "error" in line:
                tail = "\n  ".join(output.splitlines()[-_TAIL:])
                raise ProvisionError(f"building {tag} failed: {line['error']}\n  {tail}")

    def forget_older(self, repository: str, tag: str) -> None:
        """Drop the names in ``repository`` of all images but ``tag``'s: Docker then frees them."""
        kept = self.client.images.get(tag).id
        for image in self.client.images.list(name=repository):
            if image.id != kept:
                own = (f"{repository}:", f"{repository}@")
                self._remove([name for name in _names(image) if name.startswith(own)])

    def remove_all(self) -> None:
        """Remove the images that labs have made, except those that something still uses.

        Layers inherit the base image's label, so that stages of builds are found as well; one
        that is under another goes in a later round.
        """
        labelled = {"label": f"{LABEL}=1"}
        while sum(
            self._remove(_names(image) or [str(image.id)])
            for image in self.client.images.list(filters=labelled)
        ):
            pass

    def _remove(self, names: list[str]) -> bool:
        """Remove what can be removed; return whether anything was."""
        from docker.errors import APIError

        removed = False
        for name in names:
            with contextlib.suppress(APIError):
                self.client.images.remove(name)
                removed = True
        return removed


def _names(image: Image) -> list[str]:
    return [*image.tags, *(image.attrs.get("RepoDigests") or [])]
