"""What a builder prints, read: the steps, and what matters when one of them fails.

Docker has two builders. The older one prints ``Step 3/12 : RUN ...``; BuildKit, on anything but a
terminal, ``#7 [builder 3/5] RUN ...`` and then the step's output behind ``#7 0.512``.
"""

from __future__ import annotations

import re
from collections import deque
from dataclasses import dataclass

_STEP = re.compile(r"Step (?P<place>\d+/\d+) : (?P<text>.*)")
_BUILDKIT_STEP = re.compile(r"#\d+ \[(?P<place>[^\]]*\d+/\d+)\] (?P<text>.*)")
_BUILDKIT_FAILED = re.compile(r"\s*> \[(?P<place>[^\]]*\d+/\d+)\] (?P<text>.*?):?")
_BUILDKIT_PREFIX = re.compile(r"#\d+ (\d+\.\d+ )?")
_NOISE = re.compile(
    r" ---> |Removing intermediate container |-+$|\s*$"
    r"|DEPRECATED: |\s+(Install the buildx|BuildKit)"  # a client without buildx
)
_TAIL = 20  # lines


@dataclass(frozen=True)
class Step:
    """One instruction of a Dockerfile, and its place: ``3/12``, or ``builder 3/5``."""

    place: str
    text: str

    def __str__(self) -> str:
        return f"step {self.place}: {self.text}"


class Output:
    """The output of one build, line by line."""

    def __init__(self) -> None:
        self.step: Step | None = None  # the last one begun; after a failure, the one that failed
        self._tail: deque[str] = deque(maxlen=_TAIL)

    def read(self, line: str) -> Step | None:
        """Take in a line; return the step that it begins, if it begins one."""
        line = line.rstrip()
        begun = _step(_STEP.fullmatch(line) or _BUILDKIT_STEP.fullmatch(line))
        failed = _step(_BUILDKIT_FAILED.fullmatch(line))
        if begun is not None and begun != self.step:
            self._tail.clear()
        self.step = failed or begun or self.step
        if begun is None and failed is None and not _NOISE.match(line):
            self._tail.append(_BUILDKIT_PREFIX.sub("", line, count=1))
        return begun

    @property
    def tail(self) -> list[str]:
        """The last lines that say something."""
        return list(self._tail)


def _step(match: re.Match[str] | None) -> Step | None:
    return Step(match["place"], match["text"]) if match else None
