"""A game that is being played while its server is deployed: it is played to its end."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from provision.lab.lab import Lab
from tests.integration.commandline import Project

from .conftest import OnHost

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("deployed")]

PLAYER = base64.b64encode(Path(__file__).with_name("player.py").read_bytes()).decode()
RUN = (
    f"echo {PLAYER} | base64 -d > /tmp/player.py && docker run --detach --name player"
    " --network host --volume /tmp/player.py:/player.py:ro --entrypoint python3"
    " registry.lab.test:5000/reference:lab /player.py "
)
SAID = "docker logs player 2>&1"
SERVER = "label=com.docker.compose.service=game-server-0"
CHANGED = json.dumps({"game_server_environment": {"LOG_LEVEL": "debug"}})


@pytest.fixture
def player(lab: Lab, on_host: OnHost) -> Iterator[None]:
    """Somebody who plays on h1, from its own network."""
    on_host("h1", RUN + f"{lab.host('h1').private_address}:50051")
    deadline = time.monotonic() + 30
    while "playing" not in on_host("h1", SAID):
        assert time.monotonic() < deadline, on_host("h1", SAID)
        time.sleep(0.2)
    yield
    on_host("h1", "docker rm --force player")


@pytest.mark.usefixtures("player")
def test_running_games_are_played_to_their_end(project: Project, on_host: OnHost) -> None:
    """The server takes no new ones, has the time, and ends by itself rather than being killed."""
    began = on_host("h1", "date +%s").strip()
    before = on_host("h1", f"docker ps --quiet --filter {SERVER}")
    done = project.run("deploy", "--tags", "game_server", "-e", CHANGED)
    assert done.code == 0, done.shown
    assert on_host("h1", f"docker ps --quiet --filter {SERVER}") != before
    *_, last = on_host("h1", "timeout 60 docker wait player >&2; " + SAID).splitlines()
    game = json.loads(last)
    assert game["drained_at"] is not None, "the game was over before the deploy"
    assert game["drained_at"] < game["ticks"] == 1000
    assert game["over"]
    ends = (
        f"docker events --since {began} --until $(date +%s) --filter event=die --filter {SERVER}"
        " --format '{{.Actor.Attributes.exitCode}}'"
    )
    assert on_host("h1", ends).split() == ["0"]
    assert project.run("deploy", "--tags", "game_server").code == 0
