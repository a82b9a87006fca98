"""The HTTP side of every process: ``/metrics`` for Prometheus and ``/healthz`` for probes."""

from __future__ import annotations

import threading
import time
from http import HTTPStatus
from http.server import ThreadingHTTPServer

from prometheus_client import MetricsHandler


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

    class Handler(MetricsHandler):
        def do_GET(self) -> None:  # noqa: N802
            if self.path != "/healthz":
                super().do_GET()
            elif heartbeat is None or heartbeat.healthy:
                self.send_response(HTTPStatus.OK)
                self.end_headers()
            else:
                self.send_error(HTTPStatus.SERVICE_UNAVAILABLE, "the loop is stuck")

    server = ThreadingHTTPServer(("", port), Handler)
    threading.Thread(target=server.serve_forever, name="metrics", daemon=True).start()
    return server
