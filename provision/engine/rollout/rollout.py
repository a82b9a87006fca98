"""The plays of a deploy, one after the other; where one must not go on, all goes back."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from provision.engine.play.turn import Turn
from provision.engine.rollout.gating import pass_gates
from provision.engine.rollout.undo import roles_in, undo, undo_some
from provision.engine.run import Run
from provision.playbook.model import Play


class Rollout:
    """Carries the plays out in one run.

    Args:
        run: reaches the hosts.
        plays: the deploy playbook's.
        directory: of the playbook.
        fetch: brings all images to the hosts that are left; tells whether all of them have all.

    """

    def __init__(
        self, run: Run, plays: Sequence[Play], directory: Path, fetch: Callable[[], bool]
    ) -> None:
        self._run = run
        self._plays = plays
        self._directory = directory
        self._fetch = fetch
        self._turns: list[Turn] = []

    def carry_out(self) -> None:
        """Do it. A failure, Ctrl-C, and an error of whatever kind bring back what was switched."""
        try:
            is_well = all(map(self._take, self._plays))
        except KeyboardInterrupt:
            if self._may_have_switched:
                self._run.stop()
                self._run.connect_anew()
                undo(self._run, self._turns)
            raise
        except Exception:
            self._undo()
            raise
        if not is_well:
            self._undo()

    def _take(self, play: Play) -> bool:
        """Carry a play out; return whether others may follow."""
        if self._is_first_with_roles(play) and not self._fetch():
            return False
        turn = Turn(self._run, play, self._directory)
        self._turns.append(turn)
        goes_on = turn.take(partial(pass_gates, self._run, play))
        out = [host for host in turn.attempted if self._run.is_out(host)]
        if goes_on and out and not self._run.options.check:
            undo_some(self._run, turn, out)
        return goes_on

    def _is_first_with_roles(self, play: Play) -> bool:
        return bool(roles_in(play)) and not any(roles_in(turn.play) for turn in self._turns)

    @property
    def _may_have_switched(self) -> bool:
        begun = any(roles_in(turn.play) and turn.attempted for turn in self._turns)
        return begun and not self._run.options.check

    def _undo(self) -> None:
        if self._may_have_switched:
            undo(self._run, self._turns)
