"""One deploy at a time: the locks of a run's hosts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from provision.agent.resources.host_lock import LockTake, described
from provision.tasks.host import Host

if TYPE_CHECKING:
    from provision.engine.run import Run


def lock_hosts(run: Run, hosts: Sequence[str], command: str) -> bool:
    """Take the lock of every host, or of none, and keep it until the run has ended.

    All runs take them in the same order, so two of them can never wait for each other. A lock is
    held by the host's agent, so it is gone whenever the run is, however it ended.
    """
    order = sorted(hosts)
    run.locked_for = command

    def work() -> str:
        for taken, name in enumerate(order):
            run.each([name], lambda host: lock(run, host, command, run.options.lock_wait))
            if run.is_out(name):
                return f"{taken}/{len(order)} taken: nothing is changed, and all are given back"
        return f"{len(order)}/{len(order)} taken"

    return run.phase("lock", order, work)


def lock(run: Run, host: Host, command: str, wait: float) -> None:
    """Take one host's lock.

    Args:
        run: whose it will be.
        host: where.
        command: what for.
        wait: seconds to wait for whoever has it.

    Raises:
        HostFailedError: somebody else has it; that has been reported.

    """
    taken = LockTake(by=run.info.by, command=command, run=run.id, wait=wait)
    earlier = host.ask(taken, name="lock").get("taken_over")
    if earlier:
        run.notes.append(
            f"locks     {host.name}: taken over from a run that was killed ({described(earlier)})"
        )
