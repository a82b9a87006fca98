"""What a builder prints, read: the steps, and what matters when one of them fails.

Docker has two builders. The older one prints ``Step 3/12 : RUN ...`` and then the step's output.
BuildKit, on anything but a terminal, numbers its vertices and mixes what they say, because they run
side by side: ``#7 [builder 3/5] RUN ...``, ``#7 0.512 output``, ``#7 ERROR: ...``.
"""

from __future__ import annotations

import re
from collections import defaultdict, deque
from dataclasses import dataclass

_LEGACY_STEP = re.compile(r"Step (?P<place>\d+/\d+) : (?P<text>.*)")
_STEP = re.compile(r"\[(?P<place>[^\]]*\d+/\d+)\] (?P<text>.*)")
_VERTEX = re.compile(r"#(?P<number>\d+) (?P<rest>.*)")
_TIME = re.compile(r"\d+\.\d+ ")
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
_NOISE = re.compile(
    r" ---> |Removing intermediate container |Sending build context |-+$|\s*$"
    r"|(DONE|CACHED|sha256:)\b"
    r"|DEPRECATED: |\s+(Install the buildx|https://docs\.docker\.com/go/buildx)"
)
_ERROR = "ERROR: "
_BASE = "[internal] load metadata for "  # how BuildKit begins with a base image
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
        self._at = ""  # which vertex, or legacy step, said the last line
        self._failed: str | None = None
        self._steps: dict[str, Step] = {}
        self._said: dict[str, deque[str]] = defaultdict(lambda: deque(maxlen=_TAIL))

    def read(self, line: str) -> Step | None:
        """Take in a line; return the step that it begins, if it begins one."""
        text = _COLOUR.sub("", line).rstrip()
        legacy, vertex = _LEGACY_STEP.fullmatch(text), _VERTEX.fullmatch(text)
        if legacy:
            self._at = legacy["place"]
            return self._begin(legacy)
        if vertex:
            self._at, text = vertex["number"], vertex["rest"]
            begun = _STEP.fullmatch(text)
            if begun:
                return self._begin(begun)
            if text.startswith(_ERROR):
                self._failed, text = self._at, text.removeprefix(_ERROR)
        elif self._failed is not None:
            return None  # BuildKit says once more what has been said
        if not _NOISE.match(text):
            self._said[self._at].append(_TIME.sub("", text, count=1) if vertex else text)
        return None

    def _begin(self, match: re.Match[str]) -> Step | None:
        step = Step(match["place"], match["text"])
        is_news = self._steps.get(self._at) != step
        self._steps[self._at] = step
        return step if is_news else None

    @property
    def step(self) -> Step | None:
        """The step that failed, so far as is known; else the last one that was heard of."""
        return self._steps.get(self._failed or self._at)

    @property
    def tail(self) -> list[str]:
        """The last lines that this step said."""
        return list(self._said[self._failed or self._at])

    @property
    def lacks_base(self) -> bool:
        """Whether what failed was to get a base image."""
        if self.step is not None:
            return self.step.text.startswith("FROM ")
        return any(line.startswith(_BASE) for line in self.tail)
