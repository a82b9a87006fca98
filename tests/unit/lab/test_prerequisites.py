from __future__ import annotations

import ast
import socket
import sys
import threading
from dataclasses import replace
from pathlib import Path

import pytest

from provision.lab import prerequisites
from provision.lab.prerequisites import Machine, commands, docker_state, explain

READY = Machine(root=True, apt=True, desktop=False, systemd=True, docker="answers", missing=())
BARE = replace(READY, docker="silent", missing=("docker.io", "mmdebstrap"))
APT = "apt-get install --no-install-recommends docker.io mmdebstrap"
GROUP = "sudo usermod -aG docker $USER   # then log in again"


@pytest.mark.parametrize(
    ("machine", "is_ready", "is_ours"),
    [
        (READY, True, True),
        (BARE, False, True),
        (replace(BARE, root=False), False, False),
        (replace(BARE, desktop=True), False, False),
        (replace(BARE, apt=False), False, False),
        (replace(READY, docker="denied"), False, True),
        (replace(READY, missing=("arch-test",)), False, True),
    ],
)
def test_only_a_server_of_ones_own_is_installed_on(
    machine: Machine, is_ready: bool, is_ours: bool
) -> None:
    assert (machine.is_ready, machine.is_ours) == (is_ready, is_ours)


@pytest.mark.parametrize(
    ("machine", "expected"),
    [
        (BARE, [APT, "systemctl enable --now docker"]),
        (replace(BARE, systemd=False), [APT, "setsid dockerd &"]),
        (
            replace(BARE, root=False),
            [f"sudo {APT}", "sudo systemctl enable --now docker", GROUP],
        ),
        (replace(READY, root=False, docker="denied"), [GROUP]),
        (
            replace(BARE, apt=False, docker="answers", missing=("docker.io",)),
            ["# install Docker Engine: https://docs.docker.com/engine/install/"],
        ),
        (READY, []),
    ],
)
def test_the_commands_are_those_that_this_machine_needs(
    machine: Machine, expected: list[str]
) -> None:
    assert commands(machine) == expected


@pytest.mark.parametrize(
    ("machine", "reason"),
    [
        (replace(BARE, root=False), "you are not root"),
        (replace(BARE, desktop=True), "a desktop runs here"),
        (replace(BARE, apt=False), "neither a Debian nor an Ubuntu"),
    ],
)
def test_it_says_what_is_missing_and_why_it_did_not_install_it(
    machine: Machine, reason: str
) -> None:
    text = explain(machine)
    assert "not installed: mmdebstrap" in text
    assert "no Docker daemon answers" in text
    assert reason in text
    assert commands(machine)[0] in text


def test_it_runs_before_there_is_any_virtual_environment() -> None:
    tree = ast.parse(Path(prerequisites.__file__).read_text())
    imported = {
        name.split(".")[0]
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in (
            [node.module or ""]
            if isinstance(node, ast.ImportFrom)
            else [alias.name for alias in node.names]
        )
    }
    assert imported <= sys.stdlib_module_names


def test_a_daemon_that_is_not_there_is_silent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/none.sock")
    assert docker_state() == "silent"


def test_a_daemon_that_answers_is_heard(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "docker.sock"
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))
        server.listen()
        answering = threading.Thread(target=answer_ping, args=(server,))
        answering.start()
        monkeypatch.setenv("DOCKER_HOST", f"unix://{path}")
        assert docker_state() == "answers"
        answering.join(5)


def answer_ping(server: socket.socket) -> None:
    connection, _ = server.accept()
    with connection:
        assert connection.recv(4096).startswith(b"GET /_ping ")
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nOK")
