"""Downloads from a real web server."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from provision.agent.failure import Failure
from provision.agent.resource import converge
from provision.agent.resources.get_url import GetUrl
from provision.agent.system import Emitter, System

CONTENT = b"0123456789" * 100_000


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        if self.path == "/missing":
            return self.send_error(404)
        if self.path == "/private" and self.headers.get("X-Token") != "t":
            return self.send_error(403)
        self.send_response(200)
        self.send_header("Content-Length", str(len(CONTENT)))
        self.end_headers()
        self.wfile.write(CONTENT[:500_000] if self.path == "/cut" else CONTENT)
        return None

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


class Moves(Emitter):
    def __init__(self) -> None:
        self.seen: list[tuple[int, int | None]] = []

    def progress(self, label: str, done: int, total: int | None, unit: str) -> None:
        self.seen.append((done, total))


def get(system: System, url: str, dest: Path, **fields: object) -> str:
    resource = GetUrl(url=url, dest=str(dest), **fields)  # type: ignore[arg-type]
    return converge(resource, system, check=False, pending=False).status


def test_a_file_arrives_with_progress(address: str, tmp_path: Path) -> None:
    moves = Moves()
    assert get(System(moves), f"{address}/f", tmp_path / "f", mode=0o600) == "changed"
    assert (tmp_path / "f").read_bytes() == CONTENT
    assert moves.seen[-1] == (len(CONTENT), len(CONTENT))
    assert len(moves.seen) > 1


def test_headers_are_sent(address: str, tmp_path: Path) -> None:
    with pytest.raises(Failure, match="/private: 403 Forbidden"):
        get(System(), f"{address}/private", tmp_path / "f")
    assert get(System(), f"{address}/private", tmp_path / "f", headers={"X-Token": "t"})
    assert (tmp_path / "f").exists()


@pytest.mark.parametrize(
    ("path", "problem"),
    [("/missing", "404 Not Found"), ("/cut", "it ended after 500000 of 1000000 bytes")],
)
def test_what_is_not_whole_leaves_the_old_file(
    address: str, tmp_path: Path, path: str, problem: str
) -> None:
    (tmp_path / "f").write_text("old")
    with pytest.raises(Failure, match=problem):
        get(System(), address + path, tmp_path / "f", checksum="sha256:" + "0" * 64)
    assert [p.name for p in tmp_path.iterdir()] == ["f"]
    assert (tmp_path / "f").read_text() == "old"


def test_nobody_listens(tmp_path: Path) -> None:
    with pytest.raises(Failure, match="Connection refused"):
        get(System(), "http://127.0.0.1:9/f", tmp_path / "f")


def test_no_address_at_all(tmp_path: Path) -> None:
    with pytest.raises(Failure, match="cannot get nonsense"):
        get(System(), "nonsense", tmp_path / "f")
