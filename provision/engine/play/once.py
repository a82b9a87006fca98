"""``run_once``: the first host of the batch does the task, the others take over its result."""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable, Sequence
from typing import Any

from provision.errors import UnreachableError


class Once:
    """The ``run_once`` tasks of one batch.

    The first host is the first of those that are still at work. Hosts are started in their order
    and wait only for hosts before them, so that nobody waits for ever.

    Args:
        hosts: of the batch, in order.

    """

    def __init__(self, hosts: Sequence[str]) -> None:
        self._hosts = list(hosts)
        self._results: dict[Hashable, Any] = {}
        self._changed = threading.Condition()

    def do(self, host: str, key: Hashable, work: Callable[[], Any]) -> tuple[bool, Any]:
        """Do ``work``, or wait for the host that does it.

        Returns whether it was done here, and its result; its exception reaches every host. Where
        the connection is lost, the next host tries.
        """
        with self._changed:
            self._changed.wait_for(lambda: key in self._results or self._hosts[0] == host)
            if key in self._results:
                return False, _given(self._results[key])
        try:
            result = work()
        except UnreachableError:
            raise
        except Exception as error:
            result = error
        with self._changed:
            self._results[key] = result
            self._changed.notify_all()
        return True, _given(result)

    def leave(self, host: str) -> None:
        """Take note that a host has come to the end of its play, whatever that was like."""
        with self._changed:
            self._hosts.remove(host)
            self._changed.notify_all()


def _given(result: Any) -> Any:
    if isinstance(result, Exception):
        raise result
    return result
