"""Two roles of one deploy: where the second fails, the first goes back with it."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator

import pytest

from tests.integration.releases.conftest import TEMPLATE, Cluster, wait_until

pytestmark = pytest.mark.integration

ROLES = ("--tags", "experience_buffer,game_server", "-i", "two.yml")
BUFFER = "experience-buffer"
# The second role fails on its second host, so that its first has been switched by then.
BROKEN = ("-i", "broken.yml")
NEVER_WELL = '{"web_health": ["CMD", "/bin/false"], "web_retries": 1000}'


@pytest.fixture(scope="module", autouse=True)
def two_roles(cluster: Cluster) -> Iterator[None]:
    """Both hosts have both roles; the buffer is always well."""
    buffer = TEMPLATE.replace("web_health", "buffer_health").replace("/web", "/buffer")
    (cluster.project / "templates/compose/experience_buffer.yml.j2").write_text(buffer)
    files = cluster.project / "templates/config"
    (files / "experience_buffer").mkdir(exist_ok=True)
    (files / "experience_buffer/service.env.j2").write_text("NOTHING=1\n")
    well = {"buffer_health": ["CMD", "/bin/true"], "redis_password": "word"}
    group = {"hosts": {"h1": {}, "h2": {}}, "vars": well}
    (cluster.project / "two.yml").write_text(json.dumps({"experience_buffer": group}))
    unwell = {"web_health": ["CMD", "/bin/false"]}
    (cluster.project / "broken.yml").write_text(
        json.dumps({"game_server": {"hosts": {"h2": unwell}}})
    )
    yield
    cluster.run("destroy", "-i", "two.yml", "--yes", "--volumes", expect=None)


@pytest.fixture(autouse=True)
def at_version_one(cluster: Cluster) -> None:
    """Begin with version 1 of both roles."""
    cluster.run("deploy", *ROLES, version="1")
    assert both(cluster) == [everywhere("1")] * 2


def both(cluster: Cluster) -> list[dict[str, str]]:
    """Return the versions that run, of the buffer and of the game server."""
    return [cluster.versions(BUFFER), cluster.versions()]


def everywhere(version: str) -> dict[str, str]:
    return {"h1": version, "h2": version}


def links(cluster: Cluster) -> str:
    return "".join(cluster.on(host, "readlink /opt/generals/*/current") for host in cluster.hosts)


def test_the_whole_run_goes_back(cluster: Cluster) -> None:
    before = links(cluster)
    done = cluster.run("deploy", *ROLES, *BROKEN, version="2", expect=3)
    assert "undone    h1, h2 are back on the release of game_server from before" in done.stdout
    assert "undone    h1, h2 are back on the release of experience_buffer" in done.stdout
    assert done.stdout.index("undo game_server") < done.stdout.index("undo experience_buffer")
    assert both(cluster) == [everywhere("1")] * 2
    assert links(cluster) == before
    undone = [line for line in cluster.history() if line["action"] == "undo"][-3:]
    assert [line["role"] for line in undone] == ["game_server", *["experience_buffer"] * 2]
    assert not any(lock["held"] for lock in cluster.locks().values())


def test_roles_that_are_well_can_be_kept(cluster: Cluster) -> None:
    done = cluster.run("deploy", *ROLES, *BROKEN, "--keep-roles", version="2", expect=3)
    assert "kept      experience_buffer: what is new there is well" in done.stdout
    assert both(cluster) == [everywhere("2"), everywhere("1")]


def test_an_interrupted_run_goes_back_as_a_whole(cluster: Cluster) -> None:
    run = cluster.start("deploy", *ROLES, "-e", NEVER_WELL, version="2")
    wait_until(lambda: cluster.versions()["h1"] == "2")
    assert cluster.versions(BUFFER) == everywhere("2")
    run.send_signal(signal.SIGINT)
    output, _ = run.communicate(timeout=180)
    assert run.returncode == 130, output
    assert "h1, h2 are back on the release of experience_buffer from before" in output
    assert both(cluster) == [everywhere("1")] * 2


def test_what_a_killed_run_leaves_is_told(cluster: Cluster) -> None:
    """Nobody is left to bring the role before back: status, history and the page say so."""
    before = links(cluster)
    run = cluster.start("deploy", *ROLES, "-e", NEVER_WELL, version="2")
    wait_until(lambda: cluster.versions()["h1"] == "2")
    run.kill()
    run.wait()
    wait_until(lambda: both(cluster) == [everywhere("2"), everywhere("1")], 90)
    wait_until(lambda: not any(lock["held"] for lock in cluster.locks().values()), 90)
    shown = cluster.run("status", "-i", "two.yml", version="2", expect=None).stdout
    record = cluster.locks()["h1"]["record"]
    assert f"cut off in the middle: {record['by']}: provision deploy, run {record['run']}" in shown
    assert "configuration" in shown, "the game server is not as declared"
    page = cluster.page(record["run"])
    assert "broke off without an end" in page
    assert "the run broke off while this was at work" in page
    cluster.run("rollback", "-i", "two.yml")
    assert both(cluster) == [everywhere("1")] * 2
    assert links(cluster) == before
    assert "cut off" not in cluster.run("status", "-i", "two.yml", expect=None).stdout


def test_what_is_well_and_new_stays(cluster: Cluster) -> None:
    """On a first deploy there is nothing to go back to, and nothing gained by stopping it."""
    cluster.run("destroy", "-i", "two.yml", "--yes")
    done = cluster.run("deploy", *ROLES, *BROKEN, version="2", expect=3)
    assert "undone    h2 had none before: what is broken is stopped" in done.stdout
    assert "h1 is well on the first release of game_server, which stays" in done.stdout
    assert "h1, h2 are well on the first release of experience_buffer, which stays" in done.stdout
    assert both(cluster) == [everywhere("2"), {"h1": "2", "h2": ""}]
