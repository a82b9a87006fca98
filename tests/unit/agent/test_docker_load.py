"""An archive on its way into a Docker daemon, here a socket that answers as one does."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from provision.agent import docker_api
from provision.agent.docker_api import Docker, DockerError
from provision.agent.system import Emitter, System

Daemon = Callable[[bytes, int], list[bytes]]
PIECES = [bytes([number]) * 65536 for number in range(40)]


@pytest.fixture
def daemon(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Daemon]:
    path = str(tmp_path / "docker.sock")
    monkeypatch.setattr(docker_api, "SOCKET", path)
    server = socket.socket(socket.AF_UNIX)
    server.bind(path)
    server.listen()
    got: list[bytes] = []

    def start(answer: bytes, take: int) -> list[bytes]:
        def serve() -> None:
            connection, _ = server.accept()
            data = b""
            while len(data) < take and (more := connection.recv(1 << 20)):
                data += more
            got.append(data)
            connection.sendall(answer)
            connection.close()

        threading.Thread(target=serve, daemon=True).start()
        return got

    yield start
    server.close()


def load() -> None:
    Docker(System(Emitter())).load(iter(PIECES), sum(map(len, PIECES)))


def test_an_archive_is_taken_in_the_end(daemon: Daemon) -> None:
    size = sum(map(len, PIECES))
    got = daemon(b'HTTP/1.0 200 OK\r\n\r\n{"stream": "Loaded image: x"}\n', size)
    load()
    head, _, body = got[0].partition(b"\r\n\r\n")
    assert head.startswith(b"POST /images/load?quiet=1 HTTP/1.0")
    assert f"Content-Length: {size}".encode() in head
    assert b"".join(PIECES).startswith(body)


def test_a_daemon_that_refuses_in_the_middle_says_why(daemon: Daemon) -> None:
    daemon(b'HTTP/1.0 500 E\r\n\r\n{"message": "no space left on device"}', 100_000)
    with pytest.raises(DockerError, match="no space left on device"):
        load()


def test_an_archive_that_is_wrong_is_an_error_within_an_answer(daemon: Daemon) -> None:
    size = sum(map(len, PIECES))
    answer = b'HTTP/1.0 200 OK\r\n\r\n{"errorDetail": {}, "error": "unexpected EOF"}\n'
    daemon(answer, size)
    with pytest.raises(DockerError, match="unexpected EOF"):
        load()
