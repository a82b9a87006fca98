"""Waiting for real sockets, a real HTTP server and a real gRPC server."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import grpc
import pytest
from grpc_health.v1 import health, health_pb2, health_pb2_grpc

from provision.agent.failure import Cancelled, Failure
from provision.agent.resources.wait_for import WaitFor
from provision.agent.system import System


def wait(**fields: Any) -> dict[str, Any]:
    return WaitFor(**{"timeout": 0.1, "interval": 0.02, **fields}).answer(System())


def refused(**fields: Any) -> Failure:
    with pytest.raises(Failure) as caught:
        wait(**fields)
    return caught.value


@pytest.fixture
def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@pytest.fixture
def open_port() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


# -- paths --------------------------------------------------------------------------------------


def test_a_path_that_appears_while_waiting(tmp_path: Path) -> None:
    path = tmp_path / "ready"
    threading.Timer(0.1, path.touch).start()
    assert 0.05 < wait(path=str(path), timeout=5)["elapsed"] < 2


def test_a_path_that_never_comes_says_so(tmp_path: Path) -> None:
    failure = refused(path=str(tmp_path / "ready"))
    assert failure.message.endswith("ready was not present within 0.1 s")
    assert failure.found == "it does not exist"


def test_a_path_that_should_go_away(tmp_path: Path) -> None:
    assert refused(path=str(tmp_path), state="absent").found == "it still exists"
    wait(path=str(tmp_path / "gone"), state="absent")


def test_a_text_in_a_file(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_text("starting\n", encoding="utf-8")
    assert "does not contain 'ready'" in refused(path=str(path), contains="ready").found
    path.write_text("ready\n", encoding="utf-8")
    wait(path=str(path), contains="ready")


# -- ports --------------------------------------------------------------------------------------


def test_ports(open_port: int, free_port: int) -> None:
    wait(port=open_port)
    wait(port=free_port, state="absent")
    assert refused(port=free_port).found == "connection refused"
    assert refused(port=open_port, state="absent").found == "it accepts connections"


def test_ctrl_c_ends_the_wait(free_port: int) -> None:
    system = System()
    system.is_cancelled = lambda: True
    with pytest.raises(Cancelled):
        WaitFor(port=free_port).answer(system)


# -- http ---------------------------------------------------------------------------------------


class Page(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(503 if self.path == "/sick" else 200)
        self.end_headers()
        self.wfile.write(b"all well")

    def log_message(self, format: str, *args: Any) -> None:
        pass


@pytest.fixture(scope="module")
def web() -> Iterator[str]:
    server = HTTPServer(("127.0.0.1", 0), Page)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def test_a_page(web: str) -> None:
    wait(url=web, contains="well")
    wait(url=web + "/sick", status=[503])
    assert refused(url=web + "/sick").found == "it answers 503"
    assert "does not contain 'ill'" in refused(url=web, contains="ill").found


def test_a_page_of_nobody(free_port: int) -> None:
    assert refused(url=f"http://127.0.0.1:{free_port}/").found == "connection refused"
    assert refused(url="nonsense").found.startswith("unknown url type")


# -- grpc ---------------------------------------------------------------------------------------

Grpc = tuple[str, health.HealthServicer]


@pytest.fixture(scope="module")
def grpc_server() -> Iterator[Grpc]:
    with ThreadPoolExecutor(4) as pool:
        server = grpc.server(pool)
        servicer = health.HealthServicer()
        health_pb2_grpc.add_HealthServicer_to_server(servicer, server)
        port = server.add_insecure_port("127.0.0.1:0")
        server.start()
        yield f"127.0.0.1:{port}", servicer
        server.stop(None)


STATES = health_pb2.HealthCheckResponse


def test_a_grpc_server_that_serves(grpc_server: Grpc) -> None:
    address, servicer = grpc_server
    servicer.set("", STATES.SERVING)
    servicer.set("game.Server", STATES.SERVING)
    wait(grpc=address)
    wait(grpc=address, service="game.Server")


def test_a_long_service_name_is_sent_whole(grpc_server: Grpc) -> None:
    address, servicer = grpc_server
    name = "generals." + "x" * 300
    servicer.set(name, STATES.SERVING)
    wait(grpc=address, service=name)


def test_a_grpc_server_that_does_not_serve_yet(grpc_server: Grpc) -> None:
    address, servicer = grpc_server
    servicer.set("slow", STATES.NOT_SERVING)
    failure = refused(grpc=address, service="slow")
    assert (failure.expected, failure.found) == ("SERVING", "NOT_SERVING")
    threading.Timer(0.1, servicer.set, ("slow", STATES.SERVING)).start()
    wait(grpc=address, service="slow", timeout=5)


def test_a_service_that_the_server_does_not_know(grpc_server: Grpc) -> None:
    assert "does not know this service" in refused(grpc=grpc_server[0], service="nobody").found


def test_what_is_no_grpc_server(web: str, open_port: int, free_port: int) -> None:
    assert refused(grpc=web.removeprefix("http://")).found != ""
    assert refused(grpc=f"127.0.0.1:{free_port}").found == "connection refused"
    silent = refused(grpc=f"127.0.0.1:{open_port}", attempt_timeout=0.1)
    assert silent.found == "timed out"
    assert "is not HOST:PORT" in refused(grpc="localhost").message


# -- several, and time --------------------------------------------------------------------------


def test_all_that_is_given_must_hold(tmp_path: Path, open_port: int) -> None:
    failure = refused(path=str(tmp_path / "ready"), port=open_port)
    assert f"ready, 127.0.0.1:{open_port}" in failure.message


def test_the_deadline_holds_whatever_a_look_costs(free_port: int) -> None:
    started = time.monotonic()
    refused(port=free_port, timeout=0.2, interval=10)
    assert time.monotonic() - started < 0.2
