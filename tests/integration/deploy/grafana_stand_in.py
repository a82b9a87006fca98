"""STAND-IN for Grafana: what its HTTP API answers to a login, and no more of it.

As there, the password that the environment names counts at the first start alone; from then on it
is the one in the data directory.
"""

import base64
import json
import os
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

KEPT = Path("/var/lib/grafana/password-of-the-stand-in")
if not KEPT.exists():
    KEPT.write_text(Path(os.environ["GF_SECURITY_ADMIN_PASSWORD__FILE"]).read_text())
LOGIN = "Basic " + base64.b64encode(f"admin:{KEPT.read_text().strip()}".encode()).decode()


class Api(BaseHTTPRequestHandler):
    """Answers the three paths that anybody here asks."""

    def do_GET(self) -> None:
        is_known = self.path != "/api/org" or self.headers["Authorization"] == LOGIN
        pages = {
            "/api/health": {"database": "ok", "version": "stand-in"},
            "/api/org": {"id": 1, "name": "Main Org."},
            "/metrics": None,
        }
        body = pages[self.path] if is_known else {"message": "Invalid username or password"}
        text = json.dumps(body) if body else "grafana_stand_in 1\n"
        self.send_response(200 if is_known else 401)
        self.send_header("Content-Type", "application/json" if body else "text/plain")
        self.end_headers()
        self.wfile.write(text.encode())


ThreadingHTTPServer(("0.0.0.0", 3000), Api).serve_forever()
