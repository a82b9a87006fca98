"""Telling hosts that somebody is still there.

A connection can die without a word: a network that drops every packet, a laptop that is closed. The
kernel of a host that has nothing to send would notice after two hours, and until then its agent
would wait, holding the host's lock. So agents hear from their run regularly, and leave when they do
not (see ``provision.agent.session``). One thread does it for all: what the run shows may stall, on
a terminal that a person has stopped, but this goes on.
"""

from __future__ import annotations

import threading
import time
import weakref
from typing import Protocol

EVERY = 10.0  # seconds


class Beating(Protocol):
    """Something that is to be done regularly."""

    def beat(self) -> None:
        """Do it; it must not wait for anything."""


_all: weakref.WeakSet[Beating] = weakref.WeakSet()
_lock = threading.Lock()
_threads: list[threading.Thread] = []


def keep(beating: Beating) -> None:
    """Let it beat from now on, for as long as somebody holds it or until ``leave``."""
    with _lock:
        _all.add(beating)
        if not _threads:
            _threads.append(threading.Thread(target=_beat, name="heartbeat", daemon=True))
            _threads[0].start()


def leave(beating: Beating) -> None:
    """Let it beat no more."""
    with _lock:
        _all.discard(beating)


def _beat() -> None:
    while True:
        time.sleep(EVERY)
        with _lock:
            beating = list(_all)
        for each in beating:
            each.beat()
