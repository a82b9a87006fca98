"""Makes the package importable, with stubs that fit the protobuf runtime of this environment."""

from __future__ import annotations

import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import grpc
import pytest

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

import stubs  # noqa: E402

if stubs.stale():
    stubs.generate()

from generals_reference import service  # noqa: E402

OPTIONS = [("grpc.enable_http_proxy", 0)]


@contextmanager
def serving(*register: Callable[[grpc.Server], None]) -> Iterator[grpc.Channel]:
    """A channel to a real server with these services, built as every service builds its own."""
    server, port = service.server(0, *register)
    server.start()
    with grpc.insecure_channel(f"127.0.0.1:{port}", OPTIONS) as channel:
        yield channel
    server.stop(None).wait()


def status(call: Callable[[], object]) -> tuple[grpc.StatusCode, str]:
    """The code and the details with which a call fails."""
    with pytest.raises(grpc.RpcError) as caught:
        call()
    return caught.value.code(), caught.value.details()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for(condition: Callable[[], object], seconds: float = 20.0, what: str = "") -> None:
    """Wait until `condition` holds; the test fails if it does not in time."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"not within {seconds} s: {what or condition}"
        time.sleep(0.05)


class Redis:
    """A real redis-server with an append-only file, which can be killed and started again."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.port = folder, free_port()
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def start(self, *options: str) -> None:
        settings = ["--appendonly", "yes", "--appendfsync", "always", "--save", ""]
        where = ["--port", str(self.port), "--bind", "127.0.0.1", "--dir", str(self.folder)]
        with (self.folder / "redis.log").open("ab") as log:
            self.process = subprocess.Popen(
                ["redis-server", *where, *settings, *options], stdout=log, stderr=log
            )
        wait_for(self.listens, what="redis-server listens")

    def listens(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def kill(self) -> None:
        assert self.process is not None
        self.process.kill()
        self.process.wait()


@pytest.fixture
def redis_server(tmp_path: Path) -> Iterator[Redis]:
    if not shutil.which("redis-server"):
        pytest.skip("redis-server is not installed (apt install redis-server)")
    folder = tmp_path / "redis"
    folder.mkdir()
    server = Redis(folder)
    server.start()
    yield server
    server.kill()
