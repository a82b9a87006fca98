"""What one seat lives through in a game, cut into fragments to learn from."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from generals_reference.experience import Tensors
from generals_reference.policy import features

SHAPING = 4.0  # weight of the share of land in the reward, beside 1 for winning and -1 for losing


def standing(view: Tensors) -> float:
    """Share of land minus the others', -1 to 1: the potential of the reward's shaping."""
    mine, _, others, _ = (float(value) for value in view["score"])
    return (mine - others) / view["army"].size


@dataclass
class Episode:
    """Moves and observations of one seat, in order."""

    views: list[Tensors] = field(default_factory=list)
    actions: list[int] = field(default_factory=list)
    logps: list[float] = field(default_factory=list)
    rewards: list[float] = field(default_factory=list)

    def decide(self, view: Tensors, action: int, logp: float) -> None:
        """The seat saw `view` and moved."""
        self.views.append(view)
        self.actions.append(action)
        self.logps.append(logp)

    def outcome(self, view: Tensors, result: float) -> None:
        """What came of the last move: the next view, and 1, -1 or 0 for a win, a loss or neither.

        Shaping by a potential leaves the best policy as it is (Ng et al., 1999).
        """
        gain = standing(view) - standing(self.views[-1])
        self.rewards.append(result + SHAPING * gain)

    def fragments(self, last: Tensors, length: int) -> list[Tensors]:
        """The finished episode in pieces of `length` moves; the last may overlap the one before."""
        moves, views = len(self.rewards), [*self.views, last]
        if moves < length:
            return []
        starts = list(range(0, moves - length + 1, length))
        if starts[-1] != moves - length:
            starts.append(moves - length)
        return [self._fragment(views, start, start + length, moves) for start in starts]

    def _fragment(self, views: list[Tensors], start: int, end: int, moves: int) -> Tensors:
        done = np.zeros(end - start, bool)
        done[-1] = end == moves
        return features.stack(views[start : end + 1]) | {
            "action": np.array(self.actions[start:end], np.int32),
            "logp": np.array(self.logps[start:end], np.float32),
            "reward": np.array(self.rewards[start:end], np.float32),
            "done": done,
        }
