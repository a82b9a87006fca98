from __future__ import annotations

import io
import tarfile
from pathlib import Path

import pytest

from provision.lab.archive import Entry, pack
from provision.lab.images import content_hash, read_context


def context(**files: str) -> dict[str, Entry]:
    return {name: Entry(text.encode()) for name, text in files.items()}


BEFORE = content_hash(context(Dockerfile="FROM a", x="1"), {"BASE": "b"})


def test_the_same_content_has_the_same_hash_in_whatever_order() -> None:
    assert content_hash(context(x="1", Dockerfile="FROM a"), {"BASE": "b"}) == BEFORE


@pytest.mark.parametrize(
    ("files", "arguments"),
    [
        (context(Dockerfile="FROM a", x="2"), {"BASE": "b"}),
        (context(Dockerfile="FROM a", y="1"), {"BASE": "b"}),
        (context(Dockerfile="FROM a"), {"BASE": "b"}),
        (context(Dockerfile="FROM a", x="1"), {"BASE": "c"}),
        (context(Dockerfile="FROM a", x="1"), {}),
        (
            {"Dockerfile": Entry(b"FROM a"), "x": Entry(b"1", mode=0o755)},
            {"BASE": "b"},
        ),
    ],
    ids=["content", "name", "fewer", "argument", "no-argument", "mode"],
)
def test_whatever_changes_the_image_changes_the_hash(
    files: dict[str, Entry], arguments: dict[str, str]
) -> None:
    assert content_hash(files, arguments) != BEFORE


def test_a_context_is_what_docker_would_send(tmp_path: Path) -> None:
    for name in ("Dockerfile", "a/b.py", "a/__pycache__/b.pyc", "tests/t.py"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    (tmp_path / "run").write_text("#!/bin/sh\n")
    (tmp_path / "run").chmod(0o700)
    (tmp_path / ".dockerignore").write_text("tests\n.dockerignore\n\n# comment\n")
    files = read_context(tmp_path)
    assert {"Dockerfile", "a/b.py", "run"} <= files.keys()
    assert not {"tests/t.py", "a/__pycache__/b.pyc"} & files.keys()
    assert (files["run"].mode, files["a/b.py"].mode) == (0o755, 0o644)


def test_a_packed_file_keeps_content_mode_and_owner() -> None:
    with tarfile.open(fileobj=io.BytesIO(pack({"k": Entry(b"secret", 0o400, 7)}))) as tar:
        member = tar.getmember("k")
        file = tar.extractfile(member)
    assert (member.mode, member.uid, member.gid, member.mtime) == (0o400, 7, 7, 0)
    assert file is not None
    assert file.read() == b"secret"
