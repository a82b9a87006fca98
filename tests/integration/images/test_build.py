"""``provision build``, for real: a Go module and a Python package become images that work."""

from __future__ import annotations

import shutil
import time
from pathlib import Path

import docker
import pytest

from provision.lab.execution import execute

from .conftest import TAG, Builder, Runner, StandIns, state, wait_until

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("built")]

GAME = f"generals-game-server:{TAG}"
BUFFER = f"generals-experience-buffer:{TAG}"
AGENT = f"generals-rl-agent:{TAG}"


def test_what_is_built_is_said(built: str) -> None:
    for image in (GAME, BUFFER, AGENT):
        assert f"\n{image}  (context " in f"\n{built}"
    assert built.count("  built, ") == 3


def test_the_images_are_well_together_and_hardened(run: Runner, stand_ins: StandIns) -> None:
    buffer = run(
        "buffer",
        BUFFER,
        WAIT_FOR_SERVICES="redis.example.test:6379",
        REDIS_URL="redis://redis.example.test:6379",
    )
    game = run("game", GAME)
    agent = run(
        "agent",
        AGENT,
        WAIT_FOR_SERVICES="game.example.test:50051",
        GAME_SERVER="game.example.test:50051",
    )
    time.sleep(1.5)
    assert "waiting for redis.example.test:6379" in buffer.logs().decode()
    redis = run(
        "redis",
        stand_ins.redis,
        "redis-server",
        "--protected-mode",
        "no",
        "--save",
        "",
        "--dir",
        "/tmp",
    )
    for container in (game, buffer, agent):
        wait_until(container, "healthy")
        assert execute(container, ["id", "-u"]).stdout.strip() == "10001"
        assert execute(container, ["touch", "/app/x"]).returncode != 0
    assert "redis.example.test:6379 is there" in buffer.logs().decode()

    redis.stop(timeout=1)
    wait_until(buffer, "unhealthy")
    refused = execute(buffer, ["generals-health", "127.0.0.1:50052"])
    assert refused.returncode == 1
    assert refused.stdout + refused.stderr == "127.0.0.1:50052: says NOT_SERVING\n"
    assert state(game) == "healthy"

    metrics = "http://agent.example.test:9464/metrics"
    assert execute(game, ["generals-health", metrics]).returncode == 0
    for container in (game, buffer):
        container.stop(timeout=20)
        container.reload()
        assert container.attrs["State"]["ExitCode"] == 0
        assert b'"msg":"draining"' in container.logs()


def test_the_probe_tells_well_from_unwell(run: Runner) -> None:
    game = run("game", GAME)
    wait_until(game, "healthy")
    for address in ("127.0.0.1:50051", "tcp://127.0.0.1:50051"):
        asked = execute(game, ["generals-health", address])
        assert (asked.returncode, asked.stdout, asked.stderr) == (0, "", "")
    for address, answer in {
        "127.0.0.1:1": "connection refused",
        "tcp://127.0.0.1:1": "connection refused",
        "http://127.0.0.1:1/": "connection refused",
        "http://127.0.0.1:50051/": "",  # gRPC is not HTTP/1
    }.items():
        asked = execute(game, ["generals-health", address])
        said = asked.stdout + asked.stderr
        assert (asked.returncode, said.startswith(f"{address}: ")) == (1, True), said
        assert answer in said


def test_images_hold_what_runs_and_nothing_else(
    client: docker.DockerClient, run: Runner, stand_ins: StandIns
) -> None:
    ours = client.images.get(GAME).attrs["Size"] - client.images.get(stand_ins.debian).attrs["Size"]
    assert ours < 50_000_000
    game = run("game", GAME)
    listed = execute(game, ["find", "/app"]).stdout.split()
    assert set(listed) == {
        "/app",
        "/app/game-server",
        "/app/configs",
        "/app/configs/game_server.json",
    }
    version = client.images.get(GAME).labels["org.opencontainers.image.version"]
    assert version == TAG


def test_a_second_build_takes_everything_from_the_cache(
    client: docker.DockerClient, build: Builder
) -> None:
    before = client.images.get(GAME).id
    again = build("--image", "game-server")
    assert again.returncode == 0, again.stderr
    assert client.images.get(GAME).id == before


def test_a_step_that_fails_says_why(build: Builder, source: Path, tmp_path: Path) -> None:
    broken = shutil.copytree(source, tmp_path / "broken")
    (broken / "cmd/game_server/main.go").write_text("package main\n\nfunc main() { oops() }\n")
    done = build("--image", "game-server", "--tag", "broken", source=broken)
    assert done.returncode == 3
    assert "building game-server failed at step" in done.stderr
    assert "go build" in done.stderr
    assert "cmd/game_server/main.go:3:15: undefined: oops" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_base_that_cannot_be_had_says_so(build: Builder, stand_ins: StandIns) -> None:
    bases = ("--base", "go=127.0.0.1:1/golang:1.26.8", "--base", f"runtime={stand_ins.debian}")
    done = build("--image", "game-server", *bases)
    assert done.returncode == 3
    assert "127.0.0.1:1/golang:1.26.8" in done.stderr
    assert "refused" in done.stderr
    assert "--base KEY=IMAGE (go, runtime)" in done.stderr


def test_no_daemon(build: Builder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", "unix:///nowhere/docker.sock")
    done = build("--image", "game-server")
    assert done.returncode == 1
    assert "no Docker daemon answers on this machine" in done.stderr


def test_the_development_image_has_its_tools(build: Builder, run: Runner) -> None:
    tool = "google.golang.org/protobuf/cmd/protoc-gen-go@v1.36.11"  # the quickest to compile
    done = build("--image", "dev", "--build-arg", f"GO_TOOLS={tool}")
    assert done.returncode == 0, done.stdout + done.stderr
    dev = run("dev", f"generals-dev:{TAG}")
    for program in (
        "go version",
        "protoc --version",
        "pytest --version",
        "protoc-gen-go --version",
    ):
        asked = execute(dev, program.split())
        assert asked.returncode == 0, asked.stderr
    assert execute(dev, ["id", "-un"]).stdout.strip() == "dev"
