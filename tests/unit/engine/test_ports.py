"""Whose ports are in the way of a deploy."""

from __future__ import annotations

from typing import Any

import pytest

from provision.engine.ports import taken_ports
from provision.stack.model import ComposeProject

HOST = "10.0.0.1"
PORT = 50051


def project(role: str, address: str = HOST, protocol: str = "tcp") -> ComposeProject:
    """Return a role with a service that publishes ``PORT``."""
    port = {"host_ip": address, "published": str(PORT), "target": 1, "protocol": protocol}
    model = {"services": {role: {"image": "i", "ports": [port]}}}
    return ComposeProject(role, f"generals-{role}", model, text="", files=(), images=())


def container(
    name: str, of: str, address: str = HOST, state: str = "running", port: int = PORT
) -> dict[str, Any]:
    listeners = [{"address": address, "port": port}] if state == "running" else []
    return {"name": name, "project": of, "state": state, "listeners": listeners}


def holders(
    *projects: ComposeProject,
    listening: str | None = None,
    containers: list[dict[str, Any]] | None = None,
    installed: bool = True,
) -> list[tuple[str, int, str]]:
    """Return role, port and holder; ``listening`` is an address at which something has ``PORT``."""
    docker = {"installed": installed, "containers": containers}
    at = {"address": listening, "port": PORT}
    facts = {"provision_docker": docker, "provision_listeners": [at] if listening else []}
    found = taken_ports(facts, projects or (project("game"),))
    return [(project.role, port, holder.name) for project, port, holder in found]


TAKEN = [("game", PORT, "another program")]


@pytest.mark.parametrize("docker", [{"containers": []}, {"installed": False}])
def test_another_program(docker: dict[str, Any]) -> None:
    assert holders(listening=HOST, **docker) == TAKEN


@pytest.mark.parametrize(
    ("wanted", "listening", "in_the_way"),
    [
        (HOST, "10.0.0.2", False),
        (HOST, "127.0.0.1", False),
        (HOST, "0.0.0.0", True),
        (HOST, "::", True),  # which takes IPv4, too, unless told otherwise
        ("", "127.0.0.1", True),
        ("0.0.0.0", "127.0.0.1", True),
        ("0.0.0.0", "fd00::1", False),
        ("fd00::1", "0.0.0.0", False),
        ("fd00::1", "::", True),
        ("::", "127.0.0.1", True),
    ],
)
def test_addresses_that_meet(wanted: str, listening: str, in_the_way: bool) -> None:
    found = holders(project("game", wanted), listening=listening, containers=[])
    assert found == (TAKEN if in_the_way else [])


def test_other_protocols_do_not_meet() -> None:
    assert holders(project("game", protocol="udp"), listening=HOST, containers=[]) == []


def test_an_earlier_release_keeps_its_port() -> None:
    mine = [container("generals-game-1", "generals-game")]
    assert holders(listening=HOST, containers=mine) == []


def test_a_port_may_move_between_roles_of_one_deploy() -> None:
    before = [container("generals-model-1", "generals-model")]
    moved = (project("game"), project("model", "127.0.0.1"))
    assert holders(*moved, listening=HOST, containers=before) == []


def test_another_container_is_named_even_without_a_proxy_that_listens() -> None:
    other = [container("mine", "")]
    taken = [("game", PORT, "container mine")]
    assert holders(listening=HOST, containers=other) == taken
    assert holders(containers=other) == taken
    assert holders(containers=[container("mine", "", port=PORT + 1)]) == []


def test_what_restarts_is_not_judged() -> None:
    """Its port may have been there a moment ago."""
    mine = [container("generals-game-1", "generals-game", state="restarting")]
    assert holders(listening=HOST, containers=mine) == []
    assert holders(project("model"), listening=HOST, containers=mine) == [
        ("model", PORT, "another program")
    ]


def test_nothing_is_said_where_docker_does_not_answer() -> None:
    """With ``live-restore`` its containers and proxies go on."""
    assert holders(listening=HOST, containers=None) == []
