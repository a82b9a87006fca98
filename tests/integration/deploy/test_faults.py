"""A deploy that cannot succeed: what it says, and what it leaves running."""

from __future__ import annotations

import json

import pytest

from tests.integration.commandline import Project

from .conftest import OnHost
from .test_deploy import containers

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("deployed")]


def test_image_that_does_not_exist(project: Project, on_host: OnHost) -> None:
    """It is found before any host is changed: everything goes on as it was."""
    before = containers(on_host)
    image = "registry.lab.test:5000/no-such-image:1"
    ended = project.run("deploy", "-e", json.dumps({"trainer_image": image}))
    assert ended.code == 3, ended.shown
    failed = ended.out.partition("FAILED  preflight: ")[2].partition("\nhost ")[0]
    assert f"there is no image {image}" in failed, ended.out
    assert "next" in failed
    assert sum(counts["failed"] for counts in ended.recap().values()) == 1
    assert all(counts["changed"] == 0 for counts in ended.recap().values())
    assert containers(on_host).keys() == before.keys()
    assert containers(on_host)["h2 trainer"].keys() == before["h2 trainer"].keys()
    assert all("(healthy)" in it for it in containers(on_host)["h2 trainer"].values())
    preparing = project.run(
        "deploy", "--tags", "prepare", "-e", json.dumps({"trainer_image": image})
    )
    assert preparing.code == 0, preparing.shown  # which needs none of the images
    again = project.run("deploy")
    assert again.code == 0, again.shown


def test_a_port_that_somebody_else_has(project: Project, on_host: OnHost) -> None:
    """On a host that runs a release, whose own ports are no obstacle."""
    before = {role: set(found) for role, found in containers(on_host).items()}
    stop = "docker rm -f neighbour"
    on_host(
        "h1",
        "image=$(docker inspect -f '{{.Image}}' $(docker ps -q | head -n 1)) &&"
        " docker run -d --name neighbour -p 127.0.0.1:7070:7070 -p 7071:7071"
        " --entrypoint sleep $image 600",
    )
    try:
        for port, holder in (22, "another program"), (7071, "container neighbour"):
            ended = project.run("deploy", "-e", f"game_server_port={port}")
            assert ended.code == 3, ended.shown
            problem = f"preflight on h1: port {port} of game_server is taken by {holder}"
            assert problem in ended.out, ended.out
            assert all(counts["changed"] == 0 for counts in ended.recap().values())
        allowed = project.run("deploy", "--check", "-e", "game_server_port=7070")
        assert allowed.code == 2, allowed.shown  # 127.0.0.1 is not where it is to listen
    finally:
        on_host("h1", stop)
    assert {role: set(found) for role, found in containers(on_host).items()} == before


def test_container_that_never_becomes_healthy(project: Project, on_host: OnHost) -> None:
    """Its health check's output and its last log lines are shown; correcting it repairs it."""
    probe = ["CMD", "python3", "-c", "import sys; sys.exit('the board is missing')"]
    variables = {"game_server_health": probe}
    ended = project.run("deploy", "-e", json.dumps(variables))
    assert ended.code == 3, ended.shown
    failed = ended.out.partition("FAILED  game server: ")[2].partition("\nhost ")[0]
    assert " on h1: generals-game-server: " in failed, ended.out
    assert "expected" in failed
    assert "1 healthy" in failed
    assert "unhealthy" in failed
    assert "its health check says: the board is missing" in failed
    assert "log " in failed
    assert "docker logs generals-game-server-" in failed
    assert ended.recap()["h1"]["failed"] == 1
    assert ended.recap()["h2"]["failed"] == ended.recap()["h3"]["failed"] == 0
    again = project.run("deploy")
    assert again.code == 0, again.shown
    assert all("(healthy)" in it for it in containers(on_host)["h1 game-server"].values())
