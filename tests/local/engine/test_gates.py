"""Gates: what is asked before a rollout goes on, and what comes of the answers."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from provision.engine.events import Event, EventBus, PhaseFinished, Status, TaskFinished
from provision.engine.options import RunOptions
from provision.engine.play.playbook import load
from provision.engine.rollout.gates import gates_of
from provision.engine.rollout.gating import pass_gates
from provision.engine.run import Run
from provision.errors import UsageError
from provision.playbook.model import Play
from provision.project import find
from tests.local.engine.playing import inventory_of


@pytest.fixture
def port() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


@pytest.fixture(scope="module")
def play() -> Play:
    plays = load(find("playbooks", "deploy.yml"))
    return next(play for play in plays if play.hosts == "game_server")


def ask(
    directory: Path, play: Play, hosts: dict[str, Any], **options: Any
) -> tuple[Run, list[Event]]:
    events: list[Event] = []
    run = Run(
        "deploy",
        inventory_of(hosts, directory),
        RunOptions(**options),
        EventBus(events.append),
        list(hosts),
    )
    pass_gates(run, play, list(hosts))
    run.fleet.close()
    return run, events


def ended(events: list[Event]) -> list[TaskFinished]:
    return [event for event in events if isinstance(event, TaskFinished)]


def test_a_gate_is_rendered_for_each_host_and_a_shut_one_fails_that_host(
    tmp_path: Path, play: Play, port: int
) -> None:
    gate = [{"tcp": "127.0.0.1:{{ its_port }}", "timeout": 0.2}]
    hosts = {
        "good": {"its_port": port, "game_server_gate": gate},
        "bad": {"its_port": 1, "game_server_gate": gate},
        "free": {},
    }
    run, events = ask(tmp_path, play, hosts)
    assert list(run.failed) == ["bad"]
    by_host = {event.host: event for event in ended(events)}
    assert by_host["good"].status is Status.OK and set(by_host) == {"good", "bad"}
    bad = by_host["bad"]
    assert bad.task == "gate tcp 127.0.0.1:1" and bad.message.startswith("asked by this machine")
    assert bad.expected == "open" and "refused" in bad.found and "firewalls" in bad.hint
    (phase,) = [event for event in events if isinstance(event, PhaseFinished)]
    assert phase.phase == "gate game_server" and phase.summary == "2/3 ok"


def test_after_a_shut_gate_the_next_one_is_not_asked(tmp_path: Path, play: Play) -> None:
    gates = [{"tcp": "127.0.0.1:1", "timeout": 0}, {"command": "touch asked"}]
    run, events = ask(tmp_path, play, {"h1": {"game_server_gate": gates}})
    assert run.failed and len(ended(events)) == 1


def test_a_command_runs_once_for_a_batch_and_knows_its_hosts(tmp_path: Path, play: Play) -> None:
    script = 'echo "$PROVISION_ROLE: $PROVISION_HOSTS" >> {}; exit {}'
    seen = tmp_path / "seen"
    gate = {"command": ["sh", "-c", script.format(seen, 0)]}
    hosts: dict[str, Any] = {name: {"game_server_gate": gate} for name in ("h1", "h2")}
    run, _ = ask(tmp_path, play, hosts)
    assert seen.read_text() == "game_server: h1 h2\n" and not run.failed


def test_a_command_that_fails_fails_the_batch_and_shows_what_it_said(
    tmp_path: Path, play: Play
) -> None:
    gate = {"command": ["sh", "-c", "echo only 12 of 100 games; exit 3"]}
    hosts: dict[str, Any] = {name: {"game_server_gate": gate} for name in ("h1", "h2")}
    run, events = ask(tmp_path, play, hosts)
    assert list(run.failed) == ["h1", "h2"]
    first = ended(events)[0]
    assert first.message == "it exited with 3" and first.log == ("only 12 of 100 games",)


@pytest.mark.parametrize(
    ("command", "message"),
    [("sleep 20", "it had not ended after 0.2 s"), ("/no/such", "/no/such cannot be run: ")],
)
def test_a_command_that_hangs_or_is_not_there(
    tmp_path: Path, play: Play, command: str, message: str
) -> None:
    gate = {"command": command, "timeout": 0.2}
    _, events = ask(tmp_path, play, {"h1": {"game_server_gate": gate}})
    assert ended(events)[0].message.startswith(message)


def test_nothing_is_asked_in_check_mode_or_where_the_role_is_not_rolled_out(
    tmp_path: Path, play: Play
) -> None:
    hosts = {"h1": {"game_server_gate": {"tcp": "127.0.0.1:1", "timeout": 0}}}
    assert ask(tmp_path, play, hosts, check=True)[1] == []
    assert ask(tmp_path, play, hosts, tags=frozenset({"prepare"}))[1] == []
    assert ask(tmp_path, play, hosts, tags=frozenset({"game_server"}))[0].failed


@pytest.mark.parametrize(
    ("gate", "message"),
    [
        ("10.0.0.1:80", "a gate is a mapping"),
        ({"tpc": "10.0.0.1:80"}, "exactly one of tcp, http, grpc, command"),
        ({"tcp": "10.0.0.1:80", "grpc": "10.0.0.1:81"}, "exactly one of"),
        ({"tcp": "10.0.0.1"}, "'10.0.0.1' is not host:port"),
        ({"http": "10.0.0.1/metrics"}, "is not a URL"),
        ({"command": ""}, "is not a command line"),
        ({"tcp": "a:1", "servcie": "x"}, "tcp has no 'servcie'"),
        ({"command": "true", "from": "trainer"}, "command has no 'from'"),
        ({"tcp": "a:1", "timeout": "soon"}, "'soon' is no number of seconds"),
    ],
)
def test_what_cannot_be_meant_is_refused(gate: object, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        gates_of("game_server", {"game_server_gate": [gate]})


def test_kinds_become_the_questions_that_they_are() -> None:
    gates = gates_of(
        "trainer",
        {
            "port": 8080,
            "trainer_gate": [
                {"http": "http://h:{{ port }}/metrics", "status": 204, "contains": "x"},
                {"grpc": "h:50051", "service": "game", "from": "agent_pool"},
                {"tcp": "[fe80::1]:29500"},
            ],
        },
    )
    http, grpc, tcp = (gate.question() for gate in gates)
    assert (http.url, http.status, http.contains) == ("http://h:8080/metrics", [204], "x")
    assert (grpc.grpc, grpc.service) == ("h:50051", "game")
    assert (tcp.host, tcp.port, tcp.timeout) == ("fe80::1", 29500, 30.0)
    assert [gate.name for gate in gates][1] == "gate grpc h:50051 from agent_pool"
