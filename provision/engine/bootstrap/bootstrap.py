"""Bare host, first contact -> a login for deploys, tested, and the host prepared for its roles."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from provision.engine.bootstrap.contacts import Contacts, left
from provision.engine.bootstrap.inventory import Newcomers
from provision.engine.bootstrap.record import record
from provision.engine.play.playbook import load
from provision.engine.play.turn import Turn
from provision.engine.preflight import preflight
from provision.errors import ExitCode, UsageError
from provision.playbook.model import Play
from provision.project import find

if TYPE_CHECKING:
    from provision.engine.run import Run

_PREPARING = "prepare"  # the tag of the deploy playbook's plays that need no stack


@dataclass(frozen=True, kw_only=True)
class Bootstrap:
    """What is to be done.

    Args:
        newcomers: the hosts, and what the inventory will say of them.
        keys: the public keys to install, by host.
        private_key: for the first login, before those that are tried anyway.
        close: whether password login and root's are closed.
        plays: what prepares the hosts; none where no role was given.
        directory: of those plays' playbook.

    """

    newcomers: Newcomers
    keys: Mapping[str, Sequence[str]]
    private_key: Path | None
    close: bool
    plays: tuple[Play, ...]
    directory: Path


def preparing_plays() -> tuple[tuple[Play, ...], Path]:
    """Return the plays of ``playbooks/deploy.yml`` that prepare hosts, and its directory.

    Raises:
        UsageError: the playbook is wrong, or none of its plays is tagged ``prepare``.

    """
    path = find("playbooks", "deploy.yml")
    plays = tuple(play for play in load(path) if _PREPARING in play.tags)
    if not plays:
        raise UsageError(
            f"{path} has no play to prepare hosts with", hint=f"tag one: `tags: [{_PREPARING}]`"
        )
    return plays, path.parent


def bootstrap(run: Run, what: Bootstrap) -> ExitCode:
    """Make the login, test it, close the old one where asked for, and prepare the hosts.

    A host that fails is left out of what follows; the others go on.

    Args:
        run: on an inventory that has the hosts as they will be reached from now on.
        what: what is to be done.

    """
    names = list(what.newcomers.targets)
    distant = [name for name, target in what.newcomers.targets.items() if not target.is_local]
    with Contacts(run, what) as contacts:
        if distant:
            run.phase("contact", distant, lambda: run.fleet.run(distant, contacts.open))
        if what.plays:
            fit = left(run, names)
            run.phase("preflight", fit, lambda: preflight(run, dict.fromkeys(fit, ())))
        fit = left(run, names)
        if fit and not run.options.check:
            # Each on its own, and without waiting: no two runs can wait for each other.
            run.locks.command = "bootstrap"
            run.phase("lock", fit, lambda: run.each(fit, run.locks.take))
        contacts.make_logins(left(run, distant))
        for play in what.plays:
            if not left(run, names) or not Turn(run, play, what.directory).take():
                break
        is_pending = record(run, what.newcomers, contacts.facts)
    code = run.exit_code()
    return ExitCode.PENDING if is_pending and code is ExitCode.OK else code
