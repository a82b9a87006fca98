"""Locks, hooks and ends of all kinds, on real hosts."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator

import pytest

from tests.integration.releases.conftest import Cluster, wait_until

pytestmark = pytest.mark.integration

NEVER_WELL = '{"web_health": ["CMD", "/bin/false"], "web_retries": 1000}'


@pytest.fixture(autouse=True)
def at_version_one(cluster: Cluster) -> Iterator[None]:
    """Begin with version 1 everywhere and without hooks; end with nobody holding anything."""
    for point in ("pre-deploy", "post-deploy", "deploy-failed"):
        cluster.hook(point, None)
    cluster.run("deploy", version="1")
    yield
    for point in ("pre-deploy", "post-deploy", "deploy-failed"):
        cluster.hook(point, None)
    cluster.on("h1", "rm -f /run/hold")
    wait_until(lambda: not any(each["held"] for each in cluster.locks().values()))


def held(cluster: Cluster) -> bool:
    """Tell whether all hosts are locked."""
    return all(each["held"] for each in cluster.locks().values())


def test_the_second_run_is_told_who_was_first(cluster: Cluster) -> None:
    cluster.hook("pre-deploy", "sleep 25")
    first = cluster.start("deploy", version="1")
    wait_until(lambda: held(cluster))
    cluster.hook("pre-deploy", None)
    record = cluster.locks()["h1"]["record"]
    done = cluster.run("deploy", version="2", expect=3)
    assert "another run has the lock of this host" in done.stdout
    assert f"{record['by']}: provision deploy, run {record['run']}, since" in done.stdout
    cluster.run("deploy", "--lock-wait", "90", version="2")  # outlasts the first
    assert first.wait(60) == 0
    assert cluster.versions() == {"h1": "2", "h2": "2"}


def test_all_locks_or_none(cluster: Cluster) -> None:
    cluster.hook("pre-deploy", "sleep 15")
    first = cluster.start("deploy", "--limit", "h2", version="1")
    wait_until(lambda: cluster.locks()["h2"]["held"])
    cluster.hook("pre-deploy", None)
    cluster.run("deploy", version="2", expect=3)
    assert not cluster.locks()["h1"]["held"]
    assert first.wait(60) == 0


@pytest.mark.parametrize("wait", [(), ("--lock-wait", "120")], ids=["at-once", "waiting"])
def test_of_two_that_begin_together_one_goes_first(cluster: Cluster, wait: tuple[str, ...]) -> None:
    """Without waiting the other one is told, and takes nothing; else it goes second."""
    runs = {number: cluster.start("deploy", *wait, version=number) for number in ("2", "3")}
    said = {number: run.communicate(timeout=240)[0] for number, run in runs.items()}
    codes = {number: run.returncode for number, run in runs.items()}
    switches = [line for line in cluster.history() if line["action"] == "deploy"][-4:]
    order = list(dict.fromkeys(line["run"] for line in switches))
    if wait:
        assert set(codes.values()) == {0}, said
        assert [line["run"] for line in switches] == [order[0]] * 2 + [order[1]] * 2
        assert len(set(cluster.versions().values())) == 1
        return
    assert sorted(codes.values()) == [0, 3], said
    (winner,) = (number for number, code in codes.items() if code == 0)
    (loser,) = runs.keys() - {winner}
    assert cluster.versions() == {"h1": winner, "h2": winner}
    assert "another run has the lock of this host" in said[loser]
    assert f"provision deploy, run {order[-1]}, since" in said[loser]
    assert "not all are free: none is kept" in said[loser]


PLAY = """
- hosts: all
  become: true
  tasks:
    - shell: while [ -e /run/hold ]; do sleep 0.2; done
    - copy: {dest: /etc/from-a-play, content: "{{ version }}"}
"""


def test_a_play_locks_its_hosts(cluster: Cluster) -> None:
    (cluster.project / "change.yml").write_text(PLAY)
    cluster.on("h1", "rm -f /etc/from-a-play; touch /run/hold")
    first = cluster.start("play", "change.yml", "--limit", "h1")
    wait_until(lambda: cluster.locks()["h1"]["held"])
    record = cluster.locks()["h1"]["record"]
    assert record["command"] == "play change.yml"
    assert not cluster.locks()["h2"]["held"], "it does nothing there"
    done = cluster.run("deploy", version="2", expect=3)
    assert f"provision play change.yml, run {record['run']}, since" in done.stdout
    done = cluster.run("play", "change.yml", version="2", expect=3)
    assert "FAILED" in done.stdout and "another run has the lock of this host" in done.stdout
    assert cluster.on("h1", "cat /etc/from-a-play") != "2"
    assert cluster.on("h2", "cat /etc/from-a-play") == "2", "a host that is free has its play"
    cluster.run("play", "change.yml", "--check", version="2", expect=2)
    second = cluster.start("play", "change.yml", "--lock-wait", "60", version="3")
    cluster.on("h1", "rm /run/hold")
    assert first.wait(60) == second.wait(60) == 0
    assert cluster.on("h1", "cat /etc/from-a-play") == "3"
    assert cluster.versions() == {"h1": "1", "h2": "1"}


def test_who_is_not_root_needs_no_lock(cluster: Cluster) -> None:
    cluster.hook("pre-deploy", "sleep 12")
    first = cluster.start("deploy", version="1")
    wait_until(lambda: held(cluster))
    (cluster.project / "look.yml").write_text("- hosts: all\n  tasks: [{command: uptime}]\n")
    cluster.run("play", "look.yml", "-e", "ansible_become=false")
    assert first.wait(60) == 0


@pytest.mark.parametrize("command", ["rollback", "destroy"])
def test_going_back_and_removing_need_the_lock(cluster: Cluster, command: str) -> None:
    cluster.hook("pre-deploy", "sleep 12")
    first = cluster.start("deploy", version="1")
    wait_until(lambda: held(cluster))
    yes = ["--yes"] if command == "destroy" else []
    done = cluster.run(command, *yes, expect=3)
    assert "another run has the lock of this host" in done.stdout
    assert first.wait(60) == 0
    assert cluster.versions() == {"h1": "1", "h2": "1"}


def test_a_check_needs_no_lock(cluster: Cluster) -> None:
    cluster.hook("pre-deploy", "sleep 15")
    first = cluster.start("deploy", version="1")
    wait_until(lambda: held(cluster))
    cluster.run("deploy", "--check", version="1")
    assert first.wait(60) == 0


def test_a_killed_controller_leaves_no_lock(cluster: Cluster) -> None:
    cluster.hook("pre-deploy", "exec sleep 20")
    first = cluster.start("deploy", version="1")
    wait_until(lambda: held(cluster))
    first.send_signal(signal.SIGKILL)
    first.wait()
    wait_until(lambda: not any(each["held"] for each in cluster.locks().values()), 20)
    record = cluster.locks()["h1"]["record"]
    assert "the last holder was cut off" in cluster.run("lock", "status").stdout
    done = cluster.run("deploy", version="1")
    assert f"h1, h2: taken over from a run that was cut off ({record['by']}" in done.stdout
    assert "taken over" not in cluster.run("deploy", version="1").stdout


def test_the_lock_of_a_killed_agent_is_taken_over_and_that_is_said(cluster: Cluster) -> None:
    cluster.hook("pre-deploy", "sleep 8")
    first = cluster.start("deploy", version="1")
    wait_until(lambda: held(cluster))
    record = cluster.locks()["h1"]["record"]
    cluster.on("h1", f"kill -9 {record['pid']}")
    assert first.wait(60) == 4
    cluster.hook("pre-deploy", None)
    done = cluster.run("deploy", version="1")
    assert f"h1: taken over from a run that was cut off ({record['by']}" in done.stdout


def test_a_lock_can_be_taken_away(cluster: Cluster) -> None:
    cluster.hook("pre-deploy", "sleep 8")
    first = cluster.start("deploy", version="1")
    wait_until(lambda: held(cluster))
    run = cluster.locks()["h1"]["record"]["run"]
    done = cluster.run("lock", "release", "--yes")
    assert done.stdout.count(f"run {run}") == 2
    assert first.wait(60) == 4


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_switch_goes_back(cluster: Cluster, number: signal.Signals) -> None:
    first = cluster.start("deploy", "-e", NEVER_WELL, version="2")
    wait_until(lambda: cluster.versions()["h1"] == "2")
    first.send_signal(number)
    output, _ = first.communicate(timeout=120)
    assert first.returncode == 130, output
    assert "h1 is back on the release of game_server from before" in output
    assert cluster.versions() == {"h1": "1", "h2": "1"}


def test_a_hook_that_says_no_ends_it_before_anything_changes(cluster: Cluster) -> None:
    cluster.hook("pre-deploy", "echo not on a Friday; exit 7")
    done = cluster.run("deploy", version="2", expect=3)
    assert "the hook pre-deploy exited with 7" in done.stdout
    assert "not on a Friday" in done.stdout
    assert cluster.versions() == {"h1": "1", "h2": "1"}


def test_hooks_know_the_run(cluster: Cluster) -> None:
    dump = "env | grep ^PROVISION_ > $(basename $0).env"
    for point in ("pre-deploy", "post-deploy", "deploy-failed"):
        cluster.hook(point, dump)
    cluster.run("deploy", version="2")
    before = (cluster.project / "pre-deploy.env").read_text()
    after = (cluster.project / "post-deploy.env").read_text()
    assert "PROVISION_HOSTS=h1 h2" in before
    assert f"PROVISION_RUN={cluster.history()[-1]['run']}" in before
    assert "PROVISION_EXIT_CODE=0" in after
    assert not (cluster.project / "deploy-failed.env").exists()
    cluster.run("deploy", "-e", json.dumps({"web_health": ["CMD", "/bin/false"]}), expect=3)
    assert "PROVISION_FAILED_HOSTS=h1" in (cluster.project / "deploy-failed.env").read_text()
