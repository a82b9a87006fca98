"""``docker/scripts/entrypoint.sh``, run by this machine's ``sh``."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from provision.project import defaults_root

SCRIPT = defaults_root() / "docker" / "scripts" / "entrypoint.sh"

# The probe is a Go program, which is tried in the images; of it, this is what the script uses.
PROBE = f"""#!{sys.executable} -IS
import socket, sys
host, _, port = sys.argv[1].removeprefix("tcp://").rpartition(":")
try:
    socket.create_connection((host, int(port)), 2).close()
except OSError as error:
    sys.exit(f"dial tcp: {{error.strerror}}")
"""


@pytest.fixture
def path(tmp_path: Path) -> str:
    probe = tmp_path / "generals-health"
    probe.write_text(PROBE)
    probe.chmod(0o755)
    hasty = tmp_path / "sleep"  # between two tries, instead of a second
    hasty.write_text("#!/bin/sh\nexec /bin/sleep 0.1\n")
    hasty.chmod(0o755)
    return f"{tmp_path}:{os.environ['PATH']}"


@pytest.fixture
def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


@pytest.fixture
def open_port() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield int(server.getsockname()[1])


def start(path: str, *command: str, **environment: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        ["sh", str(SCRIPT), *command],
        env={"PATH": path, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def run(path: str, *command: str, **environment: str) -> tuple[int, str, str]:
    process = start(path, *command, **environment)
    out, err = process.communicate(timeout=30)
    return process.returncode, out, err


@pytest.mark.parametrize("services", [{}, {"WAIT_FOR_SERVICES": ""}, {"WAIT_FOR_SERVICES": " , "}])
def test_nothing_to_wait_for(path: str, services: dict[str, str]) -> None:
    assert run(path, "printf", "%s|", "a b", "$c", **services) == (0, "a b|$c|", "")


def test_the_command_takes_the_scripts_place(path: str) -> None:
    process = start(path, "sh", "-c", "echo $$; exit 7")
    out, _ = process.communicate(timeout=30)
    assert (process.returncode, out.strip()) == (7, str(process.pid))


@pytest.mark.parametrize("separator", [" ", ",", ", "])
def test_services_that_are_there_are_not_spoken_of(
    path: str, open_port: int, separator: str
) -> None:
    services = separator.join([f"127.0.0.1:{open_port}"] * 2)
    assert run(path, "echo", "up", WAIT_FOR_SERVICES=services) == (0, "up\n", "")


def test_a_service_that_comes_late_is_waited_for(path: str, free_port: int) -> None:
    listening: list[socket.socket] = []

    def listen() -> None:
        listening.append(socket.create_server(("127.0.0.1", free_port)))

    timer = threading.Timer(0.3, listen)
    timer.start()
    service = f"127.0.0.1:{free_port}"
    code, out, err = run(path, "echo", "up", WAIT_FOR_SERVICES=service, WAIT_TIMEOUT="20")
    timer.join()
    listening[0].close()
    assert (code, out) == (0, "up\n")
    assert err.splitlines() == [
        f"entrypoint: waiting for {service} (at most 20 s)",
        f"entrypoint: {service} is there",
    ]


def test_after_the_timeout_it_says_who_did_not_come_and_why(
    path: str, open_port: int, free_port: int
) -> None:
    started = time.monotonic()
    services = f"127.0.0.1:{open_port} 127.0.0.1:{free_port}"
    code, out, err = run(path, "echo", "up", WAIT_FOR_SERVICES=services, WAIT_TIMEOUT="1")
    assert (code, out) == (1, "")
    last = err.splitlines()[-1]
    assert last.startswith(f"entrypoint: 127.0.0.1:{free_port} is not there after 1 s: dial tcp")
    assert "refused" in last
    assert time.monotonic() - started < 15


@pytest.mark.parametrize(
    "service",
    ["redis", "6379", "redis:", ":6379", "redis:x", "redis:1x", "http://redis:6379", "a/b:1"],
)
def test_addresses_that_cannot_be_meant(path: str, service: str) -> None:
    code, out, err = run(path, "echo", "up", WAIT_FOR_SERVICES=service)
    message = f"entrypoint: WAIT_FOR_SERVICES names '{service}'; it must be host:port\n"
    assert (code, out, err) == (2, "", message)


def test_addresses_are_no_file_patterns(path: str) -> None:
    code, _, err = run(path, "true", WAIT_FOR_SERVICES="*:1", WAIT_TIMEOUT="0")
    assert code == 1
    assert "*:1 is not there after 0 s" in err


@pytest.mark.parametrize("timeout", ["soon", "1.5", "-1", "010"])
def test_timeouts_that_are_no_seconds(path: str, timeout: str) -> None:
    code, _, err = run(path, "true", WAIT_TIMEOUT=timeout)
    assert code == 2
    assert f"WAIT_TIMEOUT is '{timeout}'" in err


def test_without_a_command(path: str) -> None:
    assert run(path) == (2, "", "entrypoint: no command to run\n")


def test_a_container_that_waits_can_be_stopped(path: str, free_port: int) -> None:
    process = start(path, "true", WAIT_FOR_SERVICES=f"127.0.0.1:{free_port}", WAIT_TIMEOUT="60")
    assert process.stderr is not None
    assert "waiting for" in process.stderr.readline()
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=15) == 143
    process.communicate()
