"""Client side of gRPC: several servers of one kind, and calls that carry the trace."""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable
from typing import Any

import grpc

from generals_reference import trace
from generals_reference.service import MESSAGE_LIMIT
from generals_reference.settings import Settings

RETRY = {  # what is safe to repeat; a server that is restarting is not worth waiting for longer
    "methodConfig": [
        {
            "name": [{"service": "generals.v1.GameServer", "method": "Act"}],
            "retryPolicy": {
                "maxAttempts": 3,
                "initialBackoff": "0.1s",
                "maxBackoff": "1s",
                "backoffMultiplier": 3,
                "retryableStatusCodes": ["UNAVAILABLE"],
            },
        }
    ]
}
OPTIONS = [
    ("grpc.service_config", json.dumps(RETRY)),
    ("grpc.max_receive_message_length", MESSAGE_LIMIT),
    ("grpc.max_send_message_length", MESSAGE_LIMIT),
    ("grpc.keepalive_time_ms", 30_000),
    ("grpc.initial_reconnect_backoff_ms", 250),
    ("grpc.max_reconnect_backoff_ms", 5_000),
    ("grpc.enable_http_proxy", 0),  # the cluster's own network is never behind a proxy
]


class Servers:
    """Servers that do the same work: calls stay with one of them until it is not available.

    `client` spreads clients over the servers: each begins with another one.
    """

    def __init__(self, addresses: tuple[str, ...], stub: Callable[[Any], Any], client: str) -> None:
        self.addresses = addresses
        self.stubs = [stub(grpc.insecure_channel(address, OPTIONS)) for address in addresses]
        self.position = zlib.crc32(client.encode()) % len(addresses)

    @property
    def stub(self) -> Any:
        """The server in use."""
        return self.stubs[self.position]

    @property
    def address(self) -> str:
        return self.addresses[self.position]

    def next(self) -> None:
        """Go on with the next server."""
        self.position = (self.position + 1) % len(self.stubs)

    def call(self, method: str, request: Any, timeout: float = 10.0) -> Any:
        """One unary call; goes on with the next server when one is not available."""
        for attempt in range(len(self.stubs)):
            try:
                return getattr(self.stub, method)(request, timeout=timeout, metadata=metadata())
            except grpc.RpcError as error:
                gone = error.code() in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED)
                if gone:
                    self.next()
                if not gone or attempt + 1 == len(self.stubs):
                    raise
        raise AssertionError("unreachable")


def servers(
    settings: Settings, variable: str, port: int, stub: Callable[[Any], Any], client: str
) -> Servers:
    """The servers that a variable lists; by default the one on this host."""
    return Servers(settings.addresses(variable, f"localhost:{port}"), stub, client)


def metadata() -> list[tuple[str, str]]:
    """Metadata for a call: the current trace, if there is one."""
    span = trace.current()
    return [(trace.HEADER, span.header)] if span else []
