"""Which version deserves to be promoted: matches between versions, and a rating out of them.

One version at a time is the *candidate*: it plays MATCHES matches against the promoted version and
replaces it if it scores at least PASS_MARK (the rule of AlphaGo Zero, Silver et al., 2017, with
fewer matches). Then the newest version is the next candidate. Ratings are Elo's; version 0 is the
random player, whose rating stays 0.
"""

from __future__ import annotations

import json
import threading
from dataclasses import asdict, dataclass, field
from pathlib import Path

from generals_reference.model_store import ModelStore, Version

MATCHES = 40
PASS_MARK = 0.55
RANDOM = 0  # the version number of the random player
K, SCALE = 16.0, 400.0  # Elo's usual constants


@dataclass
class Standing:
    """Everything that is remembered between restarts."""

    candidate: int = 0
    matches: int = 0  # of the candidate against the promoted version
    score: float = 0.0  # of the candidate in them: 1 a win, 0.5 a draw
    rating: dict[int, float] = field(default_factory=dict)
    played: dict[int, int] = field(default_factory=dict)


class Evaluation:
    """Judges the versions of `store`. Every method may be called from any thread."""

    def __init__(self, store: ModelStore, matches: int = MATCHES) -> None:
        self.store, self.matches = store, matches
        self.lock = threading.Lock()
        self.standing = self._read(store.folder / "evaluation.json")

    @staticmethod
    def _read(path: Path) -> Standing:
        if not path.exists():
            return Standing()
        held = Standing(**json.loads(path.read_text(encoding="utf-8")))
        held.rating = {int(number): value for number, value in held.rating.items()}
        held.played = {int(number): value for number, value in held.played.items()}
        return held

    def candidate(self) -> Version | None:
        """The version under test; the promoted one where there is nothing to test."""
        with self.lock:
            return self._candidate()

    def _candidate(self) -> Version | None:
        latest, current, standing = self.store.latest, self.store.current, self.standing
        known = self.store.versions.get(standing.candidate)
        if known is None or known == current:
            known = latest
            standing.matches, standing.score = 0, 0.0
            standing.candidate = known.number if known else 0
        return known

    def rating(self, number: int) -> float:
        """Elo points above the random player; a version begins with the rating of the promoted."""
        current = self.store.current
        default = self.standing.rating.get(current.number, 0.0) if current else 0.0
        return self.standing.rating.get(number, default)

    def report(self, number: int, against: int, score: float) -> bool:
        """Note a match of a version against another; True if that promoted it.

        `score` is 1 for a win, 0.5 for a draw and 0 for a loss.
        """
        with self.lock:
            self._rate(number, against, score)
            promoted = self._judge(number, against, score)
            held = json.dumps(asdict(self.standing)).encode()
            self.store.directory.write("evaluation.json", held)
            return promoted

    def _rate(self, number: int, against: int, score: float) -> None:
        expected = 1 / (1 + 10 ** ((self.rating(against) - self.rating(number)) / SCALE))
        change = K * (score - expected)
        changed = {number: self.rating(number) + change, against: self.rating(against) - change}
        self.standing.rating |= changed
        self.standing.rating[RANDOM] = 0.0
        for version in (number, against):
            self.standing.played[version] = self.standing.played.get(version, 0) + 1
        for held in (self.standing.rating, self.standing.played):
            for gone in set(held) - set(self.store.versions) - {RANDOM}:
                del held[gone]

    def _judge(self, number: int, against: int, score: float) -> bool:
        """Count a match of the candidate, and decide when there were enough."""
        candidate, current, standing = self._candidate(), self.store.current, self.standing
        if candidate is None or current is None or candidate == current:
            return False
        if (number, against) != (candidate.number, current.number):
            return False
        standing.matches += 1
        standing.score += score
        if standing.matches < self.matches:
            return False
        passed = standing.score / standing.matches >= PASS_MARK
        if passed:
            self.store.promote(candidate.number)
        standing.candidate = 0  # the newest is next
        return passed
