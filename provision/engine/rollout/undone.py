"""What became of the hosts of a role that had to go back, and how a person is told."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field


@dataclass
class Undone:
    """A role, and its hosts by what is so now; a host that had not begun is in none.

    Attributes:
        back: on the release from before.
        stopped: without one from before; what is broken does not run.
        first: well on the first release, which stays.
        stuck: as the failure left them -> why they could not be put back.

    """

    role: str
    back: list[str] = field(default_factory=list)
    stopped: list[str] = field(default_factory=list)
    first: list[str] = field(default_factory=list)
    stuck: dict[str, str] = field(default_factory=dict)

    def told(self, untouched: Sequence[str]) -> list[str]:
        """Return it as lines for the end of the run; ``untouched`` are hosts that come later."""
        parts = []
        if self.back:
            parts.append(f"{_are(self.back)} back on the release of {self.role} from before")
        if self.stopped:
            parts.append(
                f"{', '.join(sorted(self.stopped))} had none before: what is broken is stopped,"
                " and its logs are kept (docker logs)"
            )
        if self.first:
            parts.append(
                f"{_are(self.first)} well on the first release of {self.role}, which stays"
            )
        if untouched:
            parts.append(f"{', '.join(untouched)} {_was(untouched)} not touched")
        lines = [f"undone    {'; '.join(parts)}"] if parts else []
        return lines + [
            f"mixed     {name} could not be put back to the {self.role} from before: {why}"
            for name, why in self.stuck.items()
        ]


def _are(names: Sequence[str]) -> str:
    return f"{', '.join(sorted(names))} {'is' if len(names) == 1 else 'are'}"


def _was(names: Sequence[str]) -> str:
    return "was" if len(names) == 1 else "were"
