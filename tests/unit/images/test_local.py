"""Archives with fewer layers than an image has, from both layouts that ``docker save`` writes."""

from __future__ import annotations

import io
import json
import tarfile
from pathlib import Path

import pytest

from provision.images.local import LocalImage, _described, _write_part

CONFIG = b'{"rootfs": {}}'
LAYERS = ("sha256:aaa", "sha256:bbb", "sha256:aaa", "sha256:ccc")  # one of them twice
IMAGE = LocalImage("reg/web:1", "reg/web:0123456789ab", "sha256:0123456789abcdef", LAYERS)


def add(archive: tarfile.TarFile, name: str, content: bytes) -> None:
    entry = tarfile.TarInfo(name)
    entry.size = len(content)
    archive.addfile(entry, io.BytesIO(content))


def saved(path: Path, *, is_oci: bool) -> Path:
    """Write what ``docker save`` gives: blobs since version 25, before that folders with links."""
    with tarfile.open(path, "w") as archive:
        names = [f"blobs/sha256/{it[7:]}" if is_oci else f"{it[7:]}/layer.tar" for it in LAYERS]
        for name in dict.fromkeys(names):
            add(archive, name, name.encode() * 100)
        if not is_oci:
            names[2] = "again/layer.tar"
            link = tarfile.TarInfo(names[2])
            link.type, link.linkname = tarfile.SYMTYPE, "../aaa/layer.tar"
            archive.addfile(link)
        add(archive, "config", CONFIG)
        manifest = [{"Config": "config", "RepoTags": ["reg/web:1"], "Layers": names}]
        add(archive, "manifest.json", json.dumps(manifest).encode())
    return path


@pytest.mark.parametrize("is_oci", [True, False])
@pytest.mark.parametrize(
    ("present", "expected"),
    [
        (0, ["aaa.tar", "bbb.tar", "ccc.tar"]),
        (1, ["bbb.tar", "ccc.tar"]),
        (3, ["ccc.tar"]),
        (4, []),
    ],
)
def test_only_what_is_lacking_is_in_it(
    tmp_path: Path, is_oci: bool, present: int, expected: list[str]
) -> None:
    whole, part = saved(tmp_path / "whole", is_oci=is_oci), io.BytesIO()
    _write_part(whole, part, IMAGE, present)
    part.seek(0)
    with tarfile.open(fileobj=part) as archive:
        names = archive.getnames()
        assert names == ["config.json", *expected, "manifest.json"]
        (manifest,) = json.load(archive.extractfile("manifest.json"))  # type: ignore[arg-type]
        assert archive.extractfile("config.json").read() == CONFIG  # type: ignore[union-attr]
        for name in expected:
            content = archive.extractfile(name).read()  # type: ignore[union-attr]
            assert name[:3].encode() in content
    assert manifest == {
        "Config": "config.json",
        "RepoTags": ["reg/web:0123456789ab"],
        "Layers": ["aaa.tar", "bbb.tar", "aaa.tar", "ccc.tar"],
    }


@pytest.mark.parametrize(
    ("name", "reference"),
    [
        ("web", "web:0123456789ab"),
        ("web:2", "web:0123456789ab"),
        ("reg.test:5000/team/web", "reg.test:5000/team/web:0123456789ab"),
        ("reg.test:5000/web:2@sha256:ffff", "reg.test:5000/web:0123456789ab"),
    ],
)
def test_a_reference_stands_for_the_bytes(name: str, reference: str) -> None:
    attributes = {"Id": "sha256:0123456789abcdef", "RootFS": {"Layers": ["sha256:aaa"]}}
    image = _described(name, attributes)
    assert (image.name, image.reference, image.layers) == (name, reference, ("sha256:aaa",))
