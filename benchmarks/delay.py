"""A TCP proxy that makes a network longer: ``delay.py MILLISECONDS LISTEN=PORT [LISTEN=PORT...]``.

Everything takes MILLISECONDS on its way through, in each direction; a new connection reaches its
server after three of these, as with TCP's handshake. One process for all ports of 127.0.0.1. Says
``ready`` when it listens.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import sys
from collections import deque
from collections.abc import Callable


class Side(asyncio.Protocol):
    """One end of a proxied connection: what comes in here goes out at the other end, later."""

    def __init__(self, delay: float, on_open: Callable[[Side], None] | None = None) -> None:
        self.other: Side | None = None
        self._delay = delay
        self._on_open = on_open
        self._transport: asyncio.Transport | None = None
        self._under_way: deque[bytes | None] = deque()  # in order; None: there will be no more

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if self._on_open is not None:
            self._on_open(self)

    def data_received(self, data: bytes) -> None:
        self._send(data)

    def connection_lost(self, error: Exception | None) -> None:
        self._send(None)

    def _send(self, item: bytes | None) -> None:
        self._under_way.append(item)
        asyncio.get_running_loop().call_later(self._delay, self._arrive)

    def _arrive(self) -> None:
        if self.other is None:  # its connection is still being made
            asyncio.get_running_loop().call_later(0.001, self._arrive)
            return
        item = self._under_way.popleft()
        self.other.put(item)

    def put(self, item: bytes | None) -> None:
        assert self._transport is not None
        if item is None:
            self._transport.close()
        else:
            self._transport.write(item)


async def serve(delay: float, routes: dict[int, int]) -> None:
    loop = asyncio.get_running_loop()
    pending: set[asyncio.Task[None]] = set()

    async def reach(client: Side, port: int) -> None:
        await asyncio.sleep(3 * delay)
        server = Side(delay)
        server.other = client
        with contextlib.suppress(OSError):
            await loop.create_connection(lambda: server, "127.0.0.1", port)
            client.other = server
            return
        client.put(None)

    def opened(client: Side, port: int) -> None:
        task = loop.create_task(reach(client, port))
        pending.add(task)
        task.add_done_callback(pending.discard)

    for listen, port in routes.items():
        await loop.create_server(
            lambda port=port: Side(delay, lambda client: opened(client, port)),  # type: ignore[misc]
            "127.0.0.1",
            listen,
        )
    print("ready", flush=True)
    await asyncio.Event().wait()


def main() -> None:
    routes = dict(tuple(map(int, route.split("="))) for route in sys.argv[2:])
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(serve(float(sys.argv[1]) / 1000, routes))  # type: ignore[arg-type]


if __name__ == "__main__":
    main()
