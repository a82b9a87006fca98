"""Local images, tagged with the hash of what they are made of: rebuilt only when that changes."""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from provision.errors import ProvisionError
from provision.lab.archive import Entry, pack
from provision.lab.layout import LABEL

if TYPE_CHECKING:
    from docker import DockerClient

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
        if not self.has(tag):
            self.say(f"building the image {repository}")
            self._build(tag, context, arguments)
        return tag

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

    def remove_all(self) -> None:
        """Remove the images that labs have made, except those that a container still uses."""
        from docker.errors import APIError

        for image in self.client.images.list(filters={"label": f"{LABEL}=1"}):
            for tag in image.tags:
                with contextlib.suppress(APIError):
                    self.client.images.remove(tag)
