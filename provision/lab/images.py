"""Local images, tagged with the hash of what they are made of: rebuilt only when that changes."""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import tarfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from provision.errors import ProvisionError
from provision.lab.layout import LABEL

if TYPE_CHECKING:
    from docker import DockerClient

BUILD_TIMEOUT = 900.0  # seconds without a word from the builder
_TAIL = 15

Context = Mapping[str, tuple[bytes, int]]  # file name -> content and mode


def read_context(directory: Path) -> dict[str, tuple[bytes, int]]:
    """Return the files below ``directory``; of their modes only the executable bit counts."""
    return {
        str(path.relative_to(directory)): (
            path.read_bytes(),
            0o755 if path.stat().st_mode & 0o100 else 0o644,
        )
        for path in sorted(directory.rglob("*"))
        if path.is_file() and "__pycache__" not in path.parts
    }


def content_hash(context: Context, arguments: Mapping[str, str]) -> str:
    """Return twelve hex digits that change whenever the built image would."""
    digest = hashlib.sha256(json.dumps(dict(arguments), sort_keys=True).encode())
    for name, (content, mode) in sorted(context.items()):
        digest.update(f"{name}\0{mode:o}\0{len(content)}\0".encode() + content)
    return digest.hexdigest()[:12]


def archive(context: Context) -> bytes:
    """Return ``context`` as a tar file, the same bytes for the same content."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for name, (content, mode) in sorted(context.items()):
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(content), mode
            tar.addfile(entry, io.BytesIO(content))
    return buffer.getvalue()


def find(client: DockerClient, tag: str) -> str | None:
    """Return the id of the local image ``tag``, or None."""
    from docker.errors import ImageNotFound

    try:
        return str(client.images.get(tag).id)
    except ImageNotFound:
        return None


def build(
    client: DockerClient, repository: str, context: Context, arguments: Mapping[str, str]
) -> str:
    """Build ``context`` unless an image of the same content is there.

    Args:
        client: of the Docker daemon that builds.
        repository: what the image is called; its tag is the content's hash.
        context: the files of the build, with a ``Dockerfile``.
        arguments: the build's ``ARG`` values.

    Returns:
        The image's full tag.

    """
    tag = f"{repository}:{content_hash(context, arguments)}"
    if find(client, tag):
        return tag
    lines = client.api.build(
        fileobj=io.BytesIO(archive(context)),
        custom_context=True,
        tag=tag,
        buildargs=dict(arguments),
        labels={LABEL: "1"},
        rm=True,
        forcerm=True,
        decode=True,
        timeout=int(BUILD_TIMEOUT),
    )
    output: list[str] = []
    for line in lines:
        output.append(str(line.get("stream", "")))
        if "error" in line:
            tail = "".join(output).splitlines()[-_TAIL:]
            raise ProvisionError(
                f"building the image {repository} failed: {line['error']}\n  " + "\n  ".join(tail)
            )
    return tag


def remove_all(client: DockerClient) -> None:
    """Remove the images that labs have made, except those that a container still uses."""
    from docker.errors import APIError

    for image in client.images.list(all=True, filters={"label": f"{LABEL}=1"}):
        for tag in image.tags:
            with contextlib.suppress(APIError):
                client.images.remove(tag)
