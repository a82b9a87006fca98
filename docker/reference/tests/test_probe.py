"""The health probe against a real gRPC server and a real HTTP one."""

from __future__ import annotations

import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import grpc
import pytest
from conftest import OPTIONS
from generals_reference import health, metrics, service


@contextmanager
def grpc_server(with_health: service.Health | None):
    server = grpc.server(ThreadPoolExecutor(2))
    if with_health:
        with_health.register(server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        yield f"127.0.0.1:{port}"
    finally:
        server.stop(None)


def test_serving() -> None:
    with grpc_server(service.Health()) as address:
        assert health.check(address) == ""


def test_not_serving() -> None:
    state = service.Health()
    state.set(serving=False)
    with grpc_server(state) as address:
        assert "does not say SERVING" in health.check(address)


def test_no_health_service() -> None:
    with grpc_server(None) as address:
        assert "does not say SERVING" in health.check(address)


def test_nothing_listens() -> None:
    assert "refused" in health.check("127.0.0.1:1")


@pytest.mark.parametrize("address", ["localhost", "localhost:x", ":"])
def test_bad_address(address: str) -> None:
    assert health.check(address)


def test_not_http2() -> None:
    class Plain(BaseHTTPRequestHandler):
        def log_message(self, *_: object) -> None: ...

    with HTTPServer(("127.0.0.1", 0), Plain) as server:
        threading.Thread(target=server.handle_request, daemon=True).start()
        assert health.check(f"127.0.0.1:{server.server_port}")


def test_http() -> None:
    heartbeat = metrics.Heartbeat()
    server = metrics.serve(0, heartbeat)
    url = f"http://127.0.0.1:{server.server_port}"
    try:
        assert health.check(f"{url}/healthz") == ""
        assert health.check(f"{url}/metrics") == ""
        heartbeat.last -= 3600
        assert "503" in health.check(f"{url}/healthz")
    finally:
        server.shutdown()


def test_the_standard_client_understands_us() -> None:
    standard = pytest.importorskip("grpc_health.v1.health_pb2_grpc")
    messages = pytest.importorskip("grpc_health.v1.health_pb2")
    state = service.Health()
    with grpc_server(state) as address, grpc.insecure_channel(address, OPTIONS) as channel:
        stub = standard.HealthStub(channel)
        answer = messages.HealthCheckResponse
        assert stub.Check(messages.HealthCheckRequest()).status == answer.SERVING
        updates = stub.Watch(messages.HealthCheckRequest(), timeout=10)
        assert next(updates).status == answer.SERVING
        state.set(serving=False)
        assert next(updates).status == answer.NOT_SERVING
        assert stub.Check(messages.HealthCheckRequest()).status == answer.NOT_SERVING


def test_command_needs_nothing_but_python() -> None:
    command = [sys.executable, "-IS", str(Path(health.__file__))]
    with grpc_server(service.Health()) as address:
        assert subprocess.run([*command, address], check=False, timeout=10).returncode == 0
    answer = subprocess.run(
        [*command, address], check=False, timeout=10, capture_output=True, text=True
    )
    assert answer.returncode == 1
    assert "refused" in answer.stderr
