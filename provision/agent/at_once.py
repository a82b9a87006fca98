"""Many questions to the network at the same time: what does not answer costs its whole timeout."""

from __future__ import annotations

import threading
from typing import Any, Callable, Dict, Iterable, List, Optional

_AT_ONCE = 32  # questions under way at the same time


def at_once(ask: Callable[[str], Any], things: Iterable[str]) -> Dict[str, Any]:
    """Ask about all things, several at a time; ``ask`` must not raise."""
    waiting = list(things)
    answers: Dict[str, Any] = {}

    def work() -> None:
        while waiting:
            thing = _next(waiting)
            if thing is not None:
                answers[thing] = ask(thing)

    if len(waiting) == 1:
        work()
        return answers
    threads = [threading.Thread(target=work) for _ in waiting[:_AT_ONCE]]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answers


def _next(waiting: List[str]) -> Optional[str]:
    try:
        return waiting.pop()
    except IndexError:  # another thread was quicker
        return None
