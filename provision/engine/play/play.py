"""``provision play``: the plays of a playbook, one after the other."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from provision.engine.play.turn import Turn
from provision.engine.run import Run
from provision.playbook.model import Play


def play_all(run: Run, plays: Sequence[Play], playbook: Path) -> None:
    """Carry the plays out one after the other, until one says that none may follow.

    Hosts on which something is done as root are locked, which costs no round trip: the lock rides
    with what is handed to them first, and one that somebody else has fails its host alone. A run
    that waits for locks takes all of them before it begins, in the order that keeps two such runs
    from waiting for each other.

    Args:
        run: reaches the hosts.
        plays: of the playbook.
        playbook: its path.

    """
    command, options = f"play {playbook.name}", run.options
    if options.lock_wait and not options.check:
        if not run.locks.take_all(run.hosts, command):
            return
    elif not options.check:
        run.locks.command = command
    for play in plays:
        if not Turn(run, play, playbook.parent).take():
            break
