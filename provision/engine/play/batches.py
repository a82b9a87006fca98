"""``serial``: the hosts of a play in the groups that are worked on one after the other."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TypeVar

from provision.errors import UsageError

_Host = TypeVar("_Host")


def batches(hosts: Sequence[_Host], serial: Sequence[int | str]) -> Iterator[list[_Host]]:
    """Yield the hosts in batches; the last size of ``serial`` counts for all that remain.

    Args:
        hosts: in the order in which they are to be worked on.
        serial: sizes as numbers or percentages of all hosts (``[1, "25%"]``), each at least one
            host; empty for a single batch.

    """
    done, number = 0, 0
    while done < len(hosts):
        size = _size(serial[min(number, len(serial) - 1)], len(hosts)) if serial else len(hosts)
        yield list(hosts[done : done + size])
        done, number = done + size, number + 1


def _size(value: int | str, total: int) -> int:
    text = str(value).strip()
    try:
        size = int(total * float(text[:-1]) / 100) if text.endswith("%") else int(text)
    except ValueError:
        raise UsageError(f"serial: {value!r} is neither a number nor a percentage") from None
    if size < 0 or (size == 0 and not text.endswith("%")):
        raise UsageError(f"serial: {value!r} is no size of a batch")
    return max(1, size)


def exceeds(failed: int, total: int, percentage: float | None) -> bool:
    """Tell whether more than ``percentage`` of a batch has failed; None tolerates all but all."""
    if total == 0 or failed == 0:
        return False
    if percentage is None:
        return failed == total
    return failed / total * 100 > percentage
