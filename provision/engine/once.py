"""``run_once``: the first host to arrive does the task, the others take over what it registered."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any


class Once:
    """The ``run_once`` tasks of one batch."""

    def __init__(self) -> None:
        self._results: dict[int, Future[Any]] = {}
        self._lock = threading.Lock()

    def do(self, key: int, work: Callable[[], Any]) -> tuple[bool, Any]:
        """Do ``work``, or wait for the host that does it.

        Returns whether it was done here, and its result; its exception reaches every host.
        """
        with self._lock:
            first = key not in self._results
            result = self._results.setdefault(key, Future())
        if first:
            try:
                result.set_result(work())
            except BaseException as error:
                result.set_exception(error)
        return first, result.result()
