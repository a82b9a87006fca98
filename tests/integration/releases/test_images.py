"""Images: the same bytes on every host, whatever becomes of a tag, and old ones cleared away."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from provision.lab.lab import Lab
from tests.integration.releases.conftest import Cluster, wait_until

pytestmark = pytest.mark.integration

IMAGE = Path(__file__).parents[2] / "faults/stack/image"
NAME = "moving"
TAG = f"registry.lab.test:5000/{NAME}:1"
# The first batch is well; what happens before the second one begins is up to the test.
GATE = {"command": "sh -c 'touch at-gate; while [ ! -e go-on ]; do sleep 0.2; done'", "timeout": 90}
RUNS = "docker inspect -f '{{.Config.Image}}' generals-game-server-web-1"
KEPT = f"docker images --digests --format '{{{{.Digest}}}}' registry.lab.test:5000/{NAME}"

Publish = Callable[[str], str]


@pytest.fixture
def publish(lab: Lab, cluster: Cluster) -> Publish:
    """Let the tag stand for an image of this content from now on; return its digest."""

    def digest(content: str) -> str:
        return lab.publish(IMAGE, NAME, "1", VERSION=content).rpartition("@")[2]

    for name in ("at-gate", "go-on"):
        (cluster.project / name).unlink(missing_ok=True)
    return digest


def given(**variables: object) -> tuple[str, str]:
    return "-e", json.dumps({"web_image": TAG, **variables})


def running(cluster: Cluster) -> set[str]:
    """Return the digests of what runs on any host."""
    return {cluster.on(host, RUNS).rpartition("@")[2] for host in cluster.hosts}


def test_all_hosts_run_the_same_bytes_even_if_the_tag_moves(
    cluster: Cluster, publish: Publish
) -> None:
    first = publish("one")
    run = cluster.start("deploy", *given(game_server_gate=[GATE]), version="1")
    wait_until((cluster.project / "at-gate").exists, 120)
    second = publish("two")
    (cluster.project / "go-on").touch()
    output, _ = run.communicate(timeout=120)
    assert run.returncode == 0, output
    assert first != second
    assert running(cluster) == {first}
    for host in cluster.hosts:
        manifest = json.loads(
            cluster.on(host, "cat /opt/generals/game_server/current/manifest.json")
        )
        assert list(manifest["images"].values()) == [f"{TAG}@{first}"]
    cluster.run("deploy", *given(), version="1")  # which asks anew what the tag stands for
    assert running(cluster) == {second}


def test_old_images_go_and_what_runs_or_is_gone_back_to_stays(
    cluster: Cluster, publish: Publish
) -> None:
    """Three releases are kept; somebody's container keeps an image, too."""
    digests = []
    for content in ("three", "four", "five", "six", "seven"):
        digests.append(publish(content))
        cluster.run("deploy", *given(), version="1")
        if content == "three":
            mine = f"docker run -d --name somebodys --entrypoint sleep {TAG}@{digests[0]} 1000"
            assert cluster.on("h1", mine)
    try:
        kept = cluster.on("h1", KEPT).split()
        assert set(digests[2:]) <= set(kept)
        assert digests[1] not in kept
        assert digests[0] in kept, "a container runs on it"
        assert digests[0] not in cluster.on("h2", KEPT).split()
    finally:
        cluster.on("h1", "docker rm -f somebodys")
    cluster.run("rollback")
    assert running(cluster) == {digests[3]}
