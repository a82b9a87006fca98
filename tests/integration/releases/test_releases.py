"""Releases on real hosts: what is written, what goes back, what is cleared away."""

from __future__ import annotations

import json

import pytest

from tests.integration.releases.conftest import ROOT, SECRET, Cluster

pytestmark = pytest.mark.integration

BROKEN = '{"web_health": ["CMD", "/bin/false"]}'


@pytest.fixture(autouse=True)
def at_version_one(cluster: Cluster) -> None:
    """Begin with version 1, running everywhere."""
    cluster.run("deploy", version="1")
    assert cluster.versions() == {"h1": "1", "h2": "1"}


def test_a_release_is_complete_and_names_what_it_is_made_of(cluster: Cluster) -> None:
    release = cluster.current("h1")
    manifest = json.loads(cluster.on("h1", f"cat {ROOT}/current/manifest.json"))
    (image,) = manifest["images"].values()
    assert manifest["release"] == release
    assert "@sha256:" in image
    assert f"image: {image}" in cluster.on("h1", f"cat {ROOT}/current/compose.yml")
    (file,) = manifest["files"]
    assert file["secret"]
    assert file["fingerprint"] in file["dest"]
    assert cluster.history()[-1]["release"] in {release, cluster.current("h2")}


def test_no_secret_is_in_what_is_kept(cluster: Cluster) -> None:
    kept = f"grep -rl {SECRET} {ROOT}/releases /var/lib/provision /run/provision"
    assert cluster.on("h1", kept) == ""
    assert cluster.on("h1", f"grep -rl {SECRET} {ROOT}/config") != ""
    records = list((cluster.project / ".provision/runs").glob("*/events.jsonl"))
    assert records
    for record in records:
        assert SECRET not in record.read_text()
        assert record.stat().st_mode & 0o077 == 0


def test_no_secret_is_in_any_command_line(cluster: Cluster) -> None:
    """Looked at all the time while the secret travels and its service starts."""
    cluster.run("destroy", "--yes")
    watch = f"grep -lazs '[{SECRET[0]}]{SECRET[1:]}' /proc/[0-9]*/cmdline"
    looking = f"touch /run/looking; while [ -e /run/looking ]; do {watch}; sleep 0.02; done"
    cluster.on("h1", f"rm -f /run/seen; ({looking}) < /dev/null >> /run/seen 2> /dev/null &")
    cluster.on("h1", f"sh -c 'sleep 0.5; : {SECRET}'")  # the watch sees what there is to be seen
    assert cluster.on("h1", "sleep 1; cat /run/seen; : > /run/seen") != ""
    try:
        cluster.run("deploy", version="1")
        assert cluster.on("h1", "sleep 1; cat /run/seen") == ""
    finally:
        cluster.on("h1", "rm -f /run/looking")


def test_a_second_deploy_writes_nothing(cluster: Cluster) -> None:
    look = f"find {ROOT} /var/lib/provision -printf '%p %T@ %i\\n' | sort"
    before = cluster.on("h1", look)
    assert "nothing to change" in cluster.run("deploy", version="1").stdout
    assert cluster.on("h1", look) == before


def test_a_failed_batch_puts_everything_back(cluster: Cluster) -> None:
    before = {host: cluster.current(host) for host in cluster.hosts}
    inventory = cluster.project / "broken.yml"
    inventory.write_text(
        'game_server: {hosts: {h2: {web_health: ["CMD", "/bin/false"]}}}', encoding="utf-8"
    )
    done = cluster.run("deploy", "-i", "broken.yml", version="2", expect=3)
    assert "version 2 speaks" in done.stdout  # the log of what is broken
    assert "undone    h1, h2 are back" in done.stdout
    assert cluster.versions() == {"h1": "1", "h2": "1"}
    assert {host: cluster.current(host) for host in cluster.hosts} == before
    actions = {(line["host"], line["action"]) for line in cluster.history()[-3:]}
    assert actions == {("h1", "deploy"), ("h1", "undo"), ("h2", "failed")}


def test_hosts_whose_turn_had_not_come_are_not_touched(cluster: Cluster) -> None:
    containers = "docker ps -q --no-trunc --filter name=game-server"
    before = cluster.on("h2", containers)
    done = cluster.run("deploy", "-e", BROKEN, version="2", expect=3)
    assert "h2 was not touched" in done.stdout
    assert cluster.on("h2", containers) == before
    assert cluster.versions() == {"h1": "1", "h2": "1"}


def test_a_share_of_a_batch_may_fail(cluster: Cluster) -> None:
    """Only what has failed goes back, and the rollout is still told as a failure."""
    unwell = {"web_health": ["CMD", "/bin/false"]}
    (cluster.project / "share.yml").write_text(
        json.dumps({"game_server": {"hosts": {"h2": unwell}}}), encoding="utf-8"
    )
    share = json.dumps({"game_server_serial": [2], "game_server_max_fail_percentage": 50})
    done = cluster.run("deploy", "-i", "share.yml", "-e", share, version="2", expect=3)
    assert "undone    h2 is back on the release of game_server" in done.stdout
    assert done.stdout.count("next      mend it") == 1
    assert cluster.versions() == {"h1": "2", "h2": "1"}


def test_rolling_back_undoes_one_deploy_after_the_other(cluster: Cluster) -> None:
    cluster.run("deploy", version="2")
    run = cluster.history()[-1]["run"]  # both hosts of it, one after the other
    cluster.run("deploy", version="3")
    release = cluster.current("h1")
    assert cluster.run("rollback", "--check", expect=2)
    assert cluster.versions() == {"h1": "3", "h2": "3"}
    cluster.run("rollback")
    assert cluster.versions() == {"h1": "2", "h2": "2"}
    cluster.run("rollback", "--limit", "h1")
    assert cluster.versions() == {"h1": "1", "h2": "2"}
    cluster.run("rollback", "--to", release)  # this stack is the same on both
    assert cluster.versions() == {"h1": "3", "h2": "3"}
    cluster.run("rollback", "--to", run)
    assert cluster.versions() == {"h1": "2", "h2": "2"}


def test_hooks_of_a_rollback_and_a_removal(cluster: Cluster) -> None:
    """They know what it is about, and may say no before anything changes."""
    cluster.run("deploy", version="2")
    try:
        for point in ("pre-rollback", "pre-destroy"):
            cluster.hook(point, "echo not now; exit 1")
        done = cluster.run("rollback", expect=3)
        assert "the hook pre-rollback exited with 1" in done.stdout
        cluster.run("destroy", "--yes", expect=3)
        assert cluster.versions() == {"h1": "2", "h2": "2"}
        assert not any(lock["held"] for lock in cluster.locks().values())
        cluster.hook("pre-rollback", None)
        cluster.hook("post-rollback", "env | grep ^PROVISION_ > said")
        cluster.run("rollback", "--role", "game_server")
        said = (cluster.project / "said").read_text()
        for fact in ("HOSTS=h1 h2", "ROLES=game_server", "TO=", "EXIT_CODE=0"):
            assert f"PROVISION_{fact}\n" in said
        assert cluster.versions() == {"h1": "1", "h2": "1"}
    finally:
        for point in ("pre-rollback", "post-rollback", "pre-destroy"):
            cluster.hook(point, None)


def test_rolling_back_to_what_never_was(cluster: Cluster) -> None:
    done = cluster.run("rollback", "--to", "nothing", expect=1)
    assert "there is neither a release nor a run 'nothing'" in done.stdout


def test_old_releases_go_and_the_one_before_stays(cluster: Cluster) -> None:
    for version in ("4", "5", "6", "7"):
        cluster.run("deploy", "-e", f"web_token=token-{version}", version=version)
    kept = cluster.on("h1", f"ls {ROOT}/releases").split()
    assert len(kept) == 3
    assert cluster.current("h1") in kept
    mounted = cluster.on("h1", f"ls {ROOT}/config").split()
    assert len(mounted) == 3
    cluster.run("rollback")
    assert cluster.versions() == {"h1": "6", "h2": "6"}


def test_a_missing_image_is_found_before_anything_changes(cluster: Cluster) -> None:
    before = cluster.on("h1", f"ls {ROOT}/releases")
    missing = "web_image=registry.lab.test:5000/nobody/knows:1"
    done = cluster.run("deploy", "-e", missing, version="8", expect=3)
    assert "there is no image registry.lab.test:5000/nobody/knows:1" in done.stdout
    assert cluster.on("h1", f"ls {ROOT}/releases") == before


def test_a_first_deploy_that_fails_is_stopped_and_its_log_is_kept(cluster: Cluster) -> None:
    cluster.run("destroy", "--yes")
    done = cluster.run("deploy", "-e", BROKEN, version="2", expect=3)
    assert "h1 had none before: what is broken is stopped" in done.stdout
    assert cluster.versions() == {"h1": "", "h2": ""}
    name = "generals-game-server-web-1"
    assert "version 2 speaks" in cluster.on("h1", f"docker logs {name} 2>&1")
    assert cluster.current("h1") == ""


def test_destroying_keeps_the_data_unless_asked(cluster: Cluster) -> None:
    data = "ls -d /var/lib/generals/web; docker volume ls -q | grep web"
    before = cluster.on("h1", data)
    assert len(before.splitlines()) == 2
    cluster.run("destroy", expect=130)  # nobody says yes
    assert cluster.versions()["h1"] == "1"
    cluster.run("destroy", "--yes")
    assert cluster.versions() == {"h1": "", "h2": ""}
    assert cluster.on("h1", f"ls -d {ROOT}") == ""
    assert cluster.on("h1", data) == before
    cluster.run("deploy", version="1")
    cluster.run("destroy", "--yes", "--volumes")
    assert cluster.on("h1", data) == ""
    assert cluster.history()[-1]["action"] == "destroy"
