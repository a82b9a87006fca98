"""Asking a host something over a link."""

from __future__ import annotations

import time
from collections.abc import Callable

from provision.agent.resources.execute import Execute
from provision.engine.link import HostLink

LONG = 60.0  # seconds, after which something hangs


def ask(link: HostLink, command: str, become: str | None = None) -> str:
    """Run a shell command on the host and return its stdout, without the end of the line."""
    channel = link.channel(become)
    future = channel.submit(Execute(command=command))
    channel.flush()
    return str(future.result(LONG).data["stdout"]).rstrip("\n")


def until(condition: Callable[[], bool], seconds: float = 10.0) -> bool:
    """Wait for a condition; tell whether it came."""
    deadline = time.monotonic() + seconds
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.1)
    return condition()
