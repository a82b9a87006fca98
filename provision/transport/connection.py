"""One hardened Fabric connection per host."""

from __future__ import annotations

import random
import time
from typing import TYPE_CHECKING

from provision.errors import ProvisionError
from provision.transport.endpoint import Endpoint
from provision.transport.route import Hop, route_to

if TYPE_CHECKING:
    import fabric

    from provision.transport.secured import SecuredConnection

_PATIENCE = 30.0  # seconds of trying again with an sshd that drops connections under a storm
_PAUSES = (0.2, 0.4, 0.8, 1.6)  # seconds at most before the next attempt; the last one stays


def connect(endpoint: Endpoint, *, accept_new_host_keys: bool = False) -> fabric.Connection:
    """Return an open connection to ``endpoint``.

    Of many connections at a time sshd drops some at random before they log in (``MaxStartups`` in
    sshd_config(5)); these are tried again after pauses of random length.

    Raises:
        UnreachableError: saying what was tried, what happened, and what to do.
        UsageError: the inventory or ``ssh_config`` says what cannot be meant.

    """
    from provision.transport.explain import explain, is_throttled

    route = route_to(endpoint, accept_new=accept_new_host_keys)
    deadline = time.monotonic() + _PATIENCE
    attempt = 0
    while True:
        connection = prepare(endpoint.name, route)
        try:
            connection.open()
        except BaseException as error:
            connection.close()
            if isinstance(error, ProvisionError) or not isinstance(error, Exception):
                raise
            if not is_throttled(connection, error) or time.monotonic() > deadline:
                raise explain(endpoint, connection, error) from error
        else:
            return connection
        pause = _PAUSES[min(attempt, len(_PAUSES) - 1)]
        time.sleep(random.uniform(0, pause))  # noqa: S311 - jitter
        attempt += 1


def prepare(host: str, route: tuple[Hop, ...]) -> SecuredConnection:
    """Return the connection at the end of a route, not opened yet."""
    from provision.transport.secured import SecuredConnection

    connection = None
    for hop in route:
        connection = SecuredConnection(host, hop, connection)
    assert connection is not None  # noqa: S101 - a route ends with the host
    return connection
