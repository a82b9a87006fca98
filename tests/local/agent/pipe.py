"""A real agent as a child process, fed and read line by line: the protocol without the channel."""

from __future__ import annotations

import base64
import contextlib
import json
import pkgutil
import subprocess
import zlib
from collections.abc import Iterator
from typing import Any, cast

from provision.agent import resources
from provision.transport.launch import agent_command, first_bytes
from provision.transport.modules import needed_by, packed

Event = dict[str, Any]


class AgentPipe:
    """An agent that runs as the user who runs the tests."""

    def __init__(self) -> None:
        command = agent_command(become=None, password=False, install_python=False)
        pipe = subprocess.PIPE
        self.process = subprocess.Popen(command, shell=True, stdin=pipe, stdout=pipe)
        assert self.process.stdin
        assert self.process.stdout
        self._in, self._out = self.process.stdin, self.process.stdout
        self._in.write(first_bytes())
        names = [each.name for each in pkgutil.iter_modules(resources.__path__)]
        needed = [needed_by(f"{resources.__name__}.{name}") for name in names]
        self.send({"op": "modules", "data": packed(frozenset().union(*needed))})

    def send(self, *messages: Event) -> None:
        """Send messages in one go; ``id`` is the caller's to choose."""
        self._in.write(b"".join(json.dumps(message).encode() + b"\n" for message in messages))
        self._in.flush()

    def send_content(self, sha256: str, content: bytes, size: int = 100_000) -> None:
        """Answer a "want"."""
        for start in range(0, len(content), size):
            data = base64.b64encode(zlib.compress(content[start : start + size])).decode()
            last = start + size >= len(content)
            self.send({"op": "content", "sha256": sha256, "data": data, "last": last})

    def events(self) -> Iterator[Event]:
        """Yield what the agent says, until it leaves."""
        for line in self._out:
            yield cast(Event, json.loads(line))

    def event(self, kind: str) -> Event:
        """Return the next event of that kind, skipping others."""
        return next(event for event in self.events() if event["event"] == kind)

    def results(self) -> list[tuple[int, str]]:
        """Return id and status of all results until the agent leaves."""
        return [(e["id"], e["status"]) for e in self.events() if e["event"] == "result"]

    def hang_up(self) -> None:
        """Close its standard input, as a lost connection does."""
        self._in.close()

    def stop(self) -> None:
        """End it, whatever it does."""
        self.process.kill()
        with contextlib.suppress(BrokenPipeError):
            self._in.close()
        self._out.read()
        self._out.close()
        self.process.wait()


def apply(number: int, kind: str, check: bool = False, **fields: Any) -> Event:
    """Return the message for a resource."""
    return {"op": "apply", "id": number, "kind": kind, "fields": fields, "check": check}
