"""``--push-images``: what is sent, that it is what runs, and what a kill half-way leaves."""

from __future__ import annotations

import json
import signal
from typing import Any

import pytest

from tests.integration.push.conftest import IMAGE, Build
from tests.integration.releases.conftest import ROOT, Cluster, wait_until

pytestmark = pytest.mark.integration

MIB = 2**20


def events(cluster: Cluster, kind: str) -> list[dict[str, Any]]:
    """Return the events of one kind of the last run."""
    logs = sorted(cluster.project.glob(".provision/runs/*/events.jsonl"))
    lines = map(json.loads, logs[-1].read_text().splitlines())
    return [event for event in lines if event["event"] == kind]


def sent(cluster: Cluster) -> int:
    """Return how many bytes of images the last run has sent."""
    return sum({it["task"]: it["total"] for it in events(cluster, "task_progress")}.values())


def running(cluster: Cluster) -> str:
    """Return the id of the image that runs."""
    ask = (
        "docker inspect -f {{.Image}} $(docker ps -q --filter label=com.docker.compose.service=web)"
    )
    return cluster.on("h1", ask)


def test_hosts_run_the_bytes_of_this_machine_and_only_what_they_lack_is_sent(
    cluster: Cluster, build: Build
) -> None:
    first = build("1", 1000)
    cluster.run("deploy", "--push-images", version="1")
    assert running(cluster) == first
    assert sent(cluster) > 20 * MIB
    manifest = json.loads(cluster.on("h1", f"cat {ROOT}/current/manifest.json"))
    assert manifest["images"] == {f"{IMAGE}:1": f"{IMAGE}:{first[7:19]}"}

    again = cluster.run("deploy", "--push-images", version="1")
    assert "nothing to change" in again.stdout and sent(cluster) == 0

    second = build("2", 1000)
    cluster.run("deploy", "--push-images", version="2")
    assert running(cluster) == second
    assert 0 < sent(cluster) < MIB


def test_a_tag_that_moved_is_another_image(cluster: Cluster, build: Build) -> None:
    build("3", 1000)
    cluster.run("deploy", "--push-images", version="3")
    moved = build("3", 2000)
    cluster.run("deploy", "--push-images", version="3")
    assert running(cluster) == moved
    cluster.run("rollback")
    assert running(cluster) != moved


def test_a_kill_half_way_leaves_nothing_and_a_rerun_goes_on(cluster: Cluster, build: Build) -> None:
    build("4", 1000)
    cluster.run("deploy", "--push-images", version="4")
    big = build("5", 120 * MIB)
    reference = f"{IMAGE}:{big[7:19]}"
    run = cluster.start("deploy", "--push-images", version="5")
    wait_until(lambda: any(it["done"] > 0 for it in events(cluster, "task_progress")))
    run.send_signal(signal.SIGKILL)
    run.wait(timeout=30)
    done = events(cluster, "task_progress")[-1]
    assert done["done"] < done["total"]
    wait_until(lambda: not any(it["held"] for it in cluster.locks().values()))
    assert cluster.on("h1", f"docker image inspect {reference} -f ok") != "ok"
    assert cluster.on("h1", "ls /var/lib/docker/tmp | grep import") == ""
    assert cluster.versions() == {"h1": "4"}
    cluster.run("deploy", "--push-images", version="5")
    assert running(cluster) == big


def test_an_image_that_is_not_here_is_found_before_anything_changes(cluster: Cluster) -> None:
    before = cluster.current("h1")
    done = cluster.run("deploy", "--push-images", version="none", expect=1)
    assert f"this machine's Docker lacks {IMAGE}:none" in done.stdout
    assert cluster.current("h1") == before
