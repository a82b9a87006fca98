"""What is sent to the builder."""

from __future__ import annotations

import io
import os
import tarfile
from pathlib import Path

import pytest

from provision.images import context, recipe

SECRETS = ("game.key", "tls/server.pem", ".env", "python/.env.local", "cmd/.netrc")


def packed(name: str, source: Path) -> bytes:
    target = io.BytesIO()
    size = context.write(recipe.load(name), source, target)
    assert size == len(target.getvalue())
    return target.getvalue()


def members(name: str, source: Path) -> dict[str, tarfile.TarInfo]:
    with tarfile.open(fileobj=io.BytesIO(packed(name, source))) as tar:
        return {member.name: member for member in tar}


def put(source: Path, name: str, text: str = "x") -> Path:
    path = source / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


@pytest.mark.parametrize("name", recipe.DEPLOYED)
def test_no_secret_leaves_the_machine(name: str, source: Path) -> None:
    for secret in SECRETS:
        put(source, secret)
    assert not set(SECRETS) & set(members(name, source))


def test_a_go_image_gets_the_go_source_and_our_files(source: Path) -> None:
    for noise in (".git/HEAD", "vendor/a/a.go", "models/big.pt", "docker/other/Dockerfile"):
        put(source, noise)
    names = set(members("game-server", source))
    assert names >= {
        "go.mod",
        "go.sum",
        "cmd/game_server/main.go",
        "internal/service/service.go",
        "docker/game-server/Dockerfile",
        "docker/scripts/entrypoint.sh",
        "docker/health/go.sum",
    }
    assert not [name for name in names if name.startswith((".git", "vendor", "models", "python"))]
    assert "docker/other/Dockerfile" not in names


def test_a_python_image_gets_python_and_proto_alone(source: Path) -> None:
    put(source, "python/generals_agent/__pycache__/agent_runner.pyc")
    put(source, "python/.venv/bin/python")
    tops = {name.split("/")[0] for name in members("rl-agent", source)}
    assert tops == {"python", "proto", "docker"}
    assert not [n for n in members("rl-agent", source) if "__pycache__" in n or ".venv" in n]


def test_our_files_are_not_replaced_by_the_sources(source: Path) -> None:
    put(source, "docker/scripts/entrypoint.sh", "#!/bin/sh\nexit 9\n")
    with tarfile.open(fileobj=io.BytesIO(packed("game-server", source))) as tar:
        content = tar.extractfile("docker/scripts/entrypoint.sh")
        assert content is not None
        assert b"WAIT_FOR_SERVICES" in content.read()


def test_an_ignore_file_of_another_build_does_not_count(source: Path) -> None:
    put(source, ".dockerignore", "cmd\n")
    names = set(members("game-server", source))
    assert "cmd/game_server/main.go" in names
    assert ".dockerignore" not in names  # the builder would read it


def test_the_same_source_gives_the_same_bytes_under_any_umask(source: Path) -> None:
    before = packed("game-server", source)
    main = source / "cmd/game_server/main.go"
    main.chmod(0o600)
    os.utime(main, (1, 1))
    assert packed("game-server", source) == before


def test_programs_stay_programs_and_everybody_may_read(source: Path) -> None:
    put(source, "tools/gen.sh").chmod(0o700)
    put(source, "configs/private.yaml").chmod(0o600)
    found = members("game-server", source)
    assert (found["tools/gen.sh"].mode, found["configs/private.yaml"].mode) == (0o755, 0o644)


def test_a_symbolic_link_is_sent_as_one(source: Path) -> None:
    (source / "configs/default.json").symlink_to("game_server.json")
    (source / "configs/broken").symlink_to("/nowhere")
    found = members("game-server", source)
    assert found["configs/default.json"].linkname == "game_server.json"
    assert found["configs/broken"].issym()


def test_a_development_image_sends_no_source(source: Path) -> None:
    assert set(members("dev", source)) == {"docker/dev/Dockerfile", "docker/dev/requirements.txt"}
