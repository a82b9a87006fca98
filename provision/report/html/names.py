"""Hosts, named in the few words that a line of the page has room for."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from provision.report.plan import fold_names
from provision.report.text import clean

_WIDTH = 160  # characters


def where(hosts: Iterable[str], order: Sequence[str]) -> str:
    """Return ``gpu-01 … gpu-16 (16 hosts)``; ``order`` is that of the run."""
    return clean(fold_names(in_order(hosts, order), order, _WIDTH))


def in_order(hosts: Iterable[str], order: Sequence[str]) -> list[str]:
    """Return those of the run's hosts, each once, in its order."""
    named = set(hosts)
    return [host for host in order if host in named]
