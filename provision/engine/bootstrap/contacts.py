"""The hosts of a bootstrap by their old logins, until the new ones are made and proven."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from provision.engine.bootstrap.login import close_password_login, prove_login
from provision.engine.bootstrap.targets import Target
from provision.engine.link import HostLink
from provision.errors import UnreachableError
from provision.tasks.host import Host
from provision.tasks.library.deploy_user import deploy_user
from provision.tasks.manner import Manner
from provision.transport.endpoint import Endpoint
from provision.transport.result import Result

if TYPE_CHECKING:
    from provision.engine.bootstrap.bootstrap import Bootstrap
    from provision.engine.run import Run


def left(run: Run, names: Sequence[str]) -> list[str]:
    """Return the hosts that are still well."""
    return [name for name in names if not run.is_out(name)]


class Contacts:
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

    def __enter__(self) -> Contacts:
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

        target = self._what.newcomers.targets[name]
        first = self._first(name, target)
        link = self._link(replace(first, user=target.user))
        try:
            link.open()
        except UnreachableError as error:
            if not is_refused(error):
                raise
            user = self._what.newcomers.user
            link = self._link(replace(first, user=user, password=None, become_password=None))
            try:
                link.open()
            except UnreachableError:
                raise error from None
        self._run.fleet.adopt(name, link)

    def _first(self, name: str, target: Target) -> Endpoint:
        """Return where to go first, with all keys that an ``ssh`` by hand would try."""
        from provision.transport.identity import tried_for

        endpoint, own = self._run.fleet.endpoint(name), self._what.private_key
        usual = [path for path in tried_for(target.address) if path.exists()]
        named = [own] if own is not None else []
        return replace(endpoint, key_files=(*named, *usual, *endpoint.key_files))

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
        for name in left(self._run, list(self._proven)):
            old = self._run.fleet.adopt(name, self._proven.pop(name))
            self._old += [old] if old is not None else []

    def _each(self, phase: str, names: Sequence[str], work: Callable[[Host], None]) -> None:
        fit = left(self._run, names)
        if fit:
            self._run.phase(phase, fit, lambda: self._run.each(fit, work))

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
