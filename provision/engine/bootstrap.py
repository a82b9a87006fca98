"""Bare host, first contact -> a login for deploys, tested, and the host prepared for its roles."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from provision.engine.bootstrap_inventory import Newcomers
from provision.engine.bootstrap_login import close_password_login, prove_login
from provision.engine.bootstrap_record import record
from provision.engine.link import HostLink
from provision.engine.locking import lock
from provision.engine.playbook import load
from provision.engine.preflight import preflight
from provision.errors import ExitCode, UnreachableError, UsageError
from provision.playbook.model import Play
from provision.project import find
from provision.tasks.host import Host
from provision.tasks.library.deploy_user import deploy_user
from provision.tasks.manner import Manner
from provision.transport.channel import Result
from provision.transport.endpoint import Endpoint

if TYPE_CHECKING:
    from provision.engine.run import Run

_PREPARING = "prepare"  # the tag of the deploy playbook's plays that need no stack


@dataclass(frozen=True, kw_only=True)
class Bootstrap:
    """What is to be done.

    Args:
        newcomers: the hosts, and what the inventory will say of them.
        keys: the public keys to install, by host.
        close: whether password login and root's are closed.
        plays: what prepares the hosts; none where no role was given.
        directory: of those plays' playbook.

    """

    newcomers: Newcomers
    keys: Mapping[str, Sequence[str]]
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
    with _Contacts(run, what) as contacts:
        if distant:
            run.phase("contact", distant, lambda: run.fleet.run(distant, contacts.open))
        if what.plays:
            left = _left(run, names)
            run.phase("preflight", left, lambda: preflight(run, dict.fromkeys(left, ())))
        left = _left(run, names)
        if left and not run.options.check:
            # Each on its own, and without waiting: no two runs can wait for each other.
            work = partial(lock, run, command="bootstrap", wait=0)
            run.phase("lock", left, lambda: run.each(left, work))
        contacts.make_logins(_left(run, distant))
        for play in what.plays:
            if not _left(run, names) or not run.play(play, what.directory):
                break
        is_pending = record(run, what.newcomers, contacts.facts)
    code = run.exit_code()
    return ExitCode.PENDING if is_pending and code is ExitCode.OK else code


def _left(run: Run, names: Sequence[str]) -> list[str]:
    return [name for name in names if not run.is_out(name)]


class _Contacts:
    """The hosts of a run by their old logins, until the new ones work.

    Args:
        run: whose links are replaced by those of the new logins.
        what: what is to be done.

    """

    def __init__(self, run: Run, what: Bootstrap) -> None:
        self._run = run
        self._what = what
        self._old: list[HostLink] = []
        self._proven: dict[str, HostLink] = {}
        self._pending: set[str] = set()  # with --check: hosts that do not have the account yet
        self.facts: dict[str, Mapping[str, Any]] = {}

    def __enter__(self) -> _Contacts:
        return self

    def __exit__(self, *_: object) -> None:
        for link in (*self._old, *self._proven.values()):
            link.close()

    def open(self, name: str) -> None:
        """Connect as the person said; where that login is closed by now, by the new one.

        Raises:
            UnreachableError: neither works.

        """
        from provision.transport.explain import is_refused

        user, new = self._what.newcomers.targets[name].user, self._new(name)
        link = self._link(replace(self._run.fleet.endpoint(name), user=user))
        try:
            link.open()
        except UnreachableError as error:
            if not is_refused(error):
                raise
            link = self._link(new)
            try:
                link.open()
            except UnreachableError:
                raise error from None
        self._run.fleet.adopt(name, link)

    def _link(self, endpoint: Endpoint) -> HostLink:
        options = self._run.options
        return HostLink(
            endpoint,
            accept_new_host_keys=options.accept_new_host_keys,
            install_python=not options.check,
        )

    def _new(self, name: str) -> Endpoint:
        """Return the login that deploys will use: by key, and by sudo that never asks."""
        endpoint = self._run.fleet.endpoint(name)
        return replace(
            endpoint, user=self._what.newcomers.user, password=None, become_password=None
        )

    def make_logins(self, names: Sequence[str]) -> None:
        """Make the new login, prove it, close the old one, and go on by the new one."""
        self._each("access", names, self._make)
        self._each("login", names, self._prove)
        if self._what.close:
            self._each("closing", names, self._close)
        for name in _left(self._run, list(self._proven)):
            old = self._run.fleet.adopt(name, self._proven.pop(name))
            self._old += [old] if old is not None else []

    def _each(self, phase: str, names: Sequence[str], work: Callable[[Host], None]) -> None:
        left = _left(self._run, names)
        if left:
            self._run.phase(phase, left, lambda: self._run.each(left, work))

    def _make(self, host: Host) -> None:
        with host.section("deploy user", Manner()) as parts:
            deploy_user(host, name=self._what.newcomers.user, keys=self._what.keys[host.name])
        self.facts[host.name] = host.facts
        if host.check and any(part.changed for part in parts):
            self._pending.add(host.name)

    def _prove(self, host: Host) -> None:
        new = self._new(host.name)
        if host.name in self._pending:
            message = "tried when the account is there"
            host.note(f"log in as {new.user}", Result("unknown", message=message), planned=True)
        else:
            self._proven[host.name] = prove_login(host, new)

    def _close(self, host: Host) -> None:
        close_password_login(host, self._new(host.name))
