"""The main job: from bare hosts to a running, verified stack; the tests build on each other."""

from __future__ import annotations

import json

import pytest

from tests.integration.commandline import Ended, Project

from .conftest import OnHost

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("deployed")]

HOSTS = ("h1", "h2", "h3")
ROLES = {
    "h1": {"host", "experience-buffer", "game-server"},
    "h2": {"host", "trainer", "model-server", "agent-pool"},
    "h3": {"host", "monitoring"},
}
LIST = (
    "docker ps --all --no-trunc --format"
    """ '{{.Label "com.docker.compose.project"}} {{.ID}} {{.Status}}'"""
)


def containers(on_host: OnHost) -> dict[str, dict[str, str]]:
    """Return all containers of all hosts: by role, then by id with their status."""
    found: dict[str, dict[str, str]] = {}
    for host in HOSTS:
        for line in on_host(host, LIST).splitlines():
            project, identity, status = line.split(" ", 2)
            role = f"{host} {project.removeprefix('generals-')}"
            found.setdefault(role, {})[identity] = status
    return found


def changes(ended: Ended) -> int:
    """Return how much was changed on all hosts."""
    return sum(row["changed"] for row in ended.recap().values())


def test_bare_hosts_become_a_verified_stack(first: Ended, on_host: OnHost) -> None:
    recap = first.recap()
    assert recap.keys() == set(HOSTS)
    for row in recap.values():
        assert row["changed"] > 20
        assert row["failed"] == row["unreachable"] == 0
    assert "  preflight     3/3 ok" in first.out
    phase = next(line for line in first.out.splitlines() if line.startswith("  verify"))
    passed, _, asked = phase.split()[1].partition("/")
    assert passed == asked
    assert int(passed) > 50
    running = containers(on_host)
    assert running.keys() == {f"{host} {role}" for host, roles in ROLES.items() for role in roles}
    for role in running.values():
        assert all("(healthy)" in status for status in role.values()), running


def test_again_changes_nothing(project: Project, on_host: OnHost) -> None:
    before = containers(on_host)
    again = project.run("deploy")
    assert again.code == 0, again.shown
    assert changes(again) == 0, again.shown
    assert "3 hosts, nothing to change." in again.out
    assert containers(on_host).keys() == before.keys()
    assert _ids(containers(on_host)) == _ids(before)


def test_plan_without_drift(project: Project) -> None:
    plan = project.run("deploy", "--check", "--diff")
    assert plan.code == 0, plan.shown
    assert "0 hosts would change, 3 are as they should be." in plan.out


def test_one_role_changes_alone(project: Project, on_host: OnHost) -> None:
    """The plan names exactly the role whose variable changed; so does what is restarted."""
    variables = json.dumps({"trainer_environment": {"LOG_LEVEL": "debug"}})
    before = containers(on_host)
    plan = project.run("deploy", "--check", "--diff", "-e", variables)
    assert plan.code == 2, plan.shown
    assert "1 host would change, 2 are as they should be." in plan.out
    assert "debug" in plan.out
    changed = project.run("deploy", "--check", "--json", "-e", variables).events("task_finished")
    pending = [event for event in changed if event["status"] in {"changed", "unknown"}]
    assert {event["host"] for event in pending} == {"h2"}
    assert all(event["task"].startswith("trainer: ") for event in pending)
    assert containers(on_host).keys() == before.keys()
    assert _ids(containers(on_host)) == _ids(before), "a plan has changed something"

    done = project.run("deploy", "-e", variables)
    assert done.code == 0, done.shown
    assert done.recap()["h1"]["changed"] == done.recap()["h3"]["changed"] == 0
    after = containers(on_host)
    restarted = {role for role in before if before[role].keys() != after[role].keys()}
    assert restarted == {"h2 trainer"}
    back = project.run("deploy")
    assert back.code == 0, back.shown


def test_stopped_container_is_repaired(project: Project, on_host: OnHost) -> None:
    """Drift is told by the plan and repaired by the deploy, and nothing else is touched."""
    before = containers(on_host)
    (game_server, *_) = before["h1 game-server"]
    on_host("h1", f"docker stop --time 2 {game_server}")
    plan = project.run("deploy", "--check")
    assert plan.code == 2, plan.shown
    assert "1 host would change" in plan.out
    done = project.run("deploy")
    assert done.code == 0, done.shown
    after = containers(on_host)
    assert all("(healthy)" in status for status in after["h1 game-server"].values())
    del before["h1 game-server"], after["h1 game-server"]
    assert _ids(after) == _ids(before)


def _ids(found: dict[str, dict[str, str]]) -> dict[str, set[str]]:
    return {role: set(containers) for role, containers in found.items()}
