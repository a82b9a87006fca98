"""The HTTP side of every process: ``/metrics`` for Prometheus and ``/healthz`` for probes."""

from __future__ import annotations

import threading
import time
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, generate_latest


class Heartbeat:
    """Says whether a working loop still turns: healthy while its last beat is recent."""

    def __init__(self, limit: float = 60.0) -> None:
        self.limit = limit  # seconds
        self.last = time.monotonic()

    def beat(self) -> None:
        self.last = time.monotonic()

    @property
    def healthy(self) -> bool:
        return time.monotonic() - self.last < self.limit


def serve(port: int, heartbeat: Heartbeat | None = None) -> ThreadingHTTPServer:
    """Answer on `port` from a daemon thread (0: any free port, see ``server_port``)."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path == "/metrics":
                self.answer(HTTPStatus.OK, CONTENT_TYPE_LATEST, generate_latest(REGISTRY))
            elif self.path == "/healthz" and (heartbeat is None or heartbeat.healthy):
                self.answer(HTTPStatus.OK, "text/plain", b"ok\n")
            elif self.path == "/healthz":
                self.answer(HTTPStatus.SERVICE_UNAVAILABLE, "text/plain", b"the loop is stuck\n")
            else:
                self.answer(HTTPStatus.NOT_FOUND, "text/plain", b"try /metrics or /healthz\n")

        def answer(self, status: HTTPStatus, content_type: str, body: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Type", content_type)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Scrapes are not news."""

    server = ThreadingHTTPServer(("", port), Handler)
    threading.Thread(target=server.serve_forever, name="metrics", daemon=True).start()
    return server
