"""The hosts of a run and their links; work fans out over them."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from typing import Any

from provision.agent.declaration import Declaration
from provision.engine.events import EventBus, HostUnreachable
from provision.engine.link import HostLink
from provision.engine.options import RunOptions
from provision.errors import UnreachableError
from provision.inventory.inventory import Inventory
from provision.inventory.model import LOCALHOST
from provision.templating import Templater
from provision.transport.endpoint import Endpoint, endpoint_of

HostWork = Callable[[str], None]


class Fleet:
    """The links to the hosts of one run.

    Args:
        inventory: the hosts and their variables.
        options: how the run is to be done.
        bus: is told of hosts that cannot be reached.

    """

    def __init__(self, inventory: Inventory, options: RunOptions, bus: EventBus) -> None:
        self.inventory = inventory
        self.options = options
        self.lost: dict[str, UnreachableError] = {}
        self._bus = bus
        self._cancelled = threading.Event()
        self._links: dict[str, HostLink] = {}
        self._contexts: dict[str, Mapping[str, Any]] = {}

    def context(self, host: str) -> Mapping[str, Any]:
        """Return a host's inventory variables and the magic ones, ``hostvars`` rendered."""
        if host not in self._contexts:
            raw = dict(self.inventory.context(host))
            raw["hostvars"] = _HostVars(self)
            self._contexts[host] = raw
        return self._contexts[host]

    def link(self, host: str) -> HostLink:
        """Return the link to a host, made when first asked for (and opened when first used)."""
        if self._cancelled.is_set():
            raise KeyboardInterrupt  # ends the thread that works on the host
        if host not in self._links:
            self._links[host] = HostLink(
                self.endpoint(host),
                accept_new_host_keys=self.options.accept_new_host_keys,
                install_python=not self.options.check,
            )
        return self._links[host]

    def adopt(self, host: str, link: HostLink) -> HostLink | None:
        """Reach a host by ``link`` from now on; return the one that it replaces, still open."""
        replaced = self._links.get(host)
        link.is_locked = replaced is not None and replaced.is_locked
        self._links[host] = link
        return replaced

    def endpoint(self, host: str) -> Endpoint:
        """Return where a host is and who logs in, as inventory and command line say."""
        options = self.options
        variables = {
            **_given("ansible_user", options.ssh_user),
            **_given("ansible_password", options.login_password),
            **_given("ansible_become_password", options.become_password),
            **Templater(self.context(host)).view(),
        }
        return endpoint_of(host, variables)

    def run(self, hosts: Iterable[str], work: HostWork) -> None:
        """Do ``work`` on every host that can still be reached, ``forks`` at a time; wait for all.

        A host that is lost is reported and left out from then on; the others go on. An exception
        that is not about a host ends the whole run. On Ctrl-C the threads are left behind: each
        ends with what its host is at.
        """
        reachable = [host for host in hosts if host not in self.lost]
        self.run_on(reachable, lambda host: self._guarded(host, work))

    def run_on(self, hosts: Sequence[str], work: HostWork) -> None:
        """Do ``work``, which deals with lost hosts by itself, on all of them; see ``run``."""
        if not hosts:
            return
        pool = ThreadPoolExecutor(min(self.options.forks, len(hosts)))
        try:
            futures = [pool.submit(work, host) for host in hosts]
            wait(futures, return_when=FIRST_EXCEPTION)
            pool.shutdown(cancel_futures=True)
        finally:
            pool.shutdown(wait=False, cancel_futures=True)
        for future in futures:
            if not future.cancelled():
                future.result()

    def _guarded(self, host: str, work: HostWork) -> None:
        try:
            work(host)
        except UnreachableError as error:
            if not self._cancelled.is_set():  # else we have left it
                self.lose(host, error)

    def lose(self, host: str, error: UnreachableError) -> None:
        """Leave a host out of everything that follows, and say so, with what has become of it."""
        reason = self.inventory.absence(host)
        if reason is not None:
            error = UnreachableError(error.message, hint=reason)
        self.lost[host] = error
        self._bus.emit(HostUnreachable(host=host, message=error.message, hint=error.hint or ""))

    def cancel(self) -> None:
        """Stop what can be stopped, on all hosts at once, without waiting for any."""
        self._cancelled.set()
        for link in list(self._links.values()):
            threading.Thread(target=link.cancel, daemon=True).start()

    def reopen(self, host: str) -> None:
        """Leave a link that was lost to itself: the next one to ask gets a new one."""
        link = self._links.pop(host, None)
        if link is not None:
            link.cancel()
            link.close()

    def pause(self, seconds: float) -> None:
        """Wait so long, or until the run is cancelled."""
        self._cancelled.wait(seconds)

    def at_work(self) -> dict[str, Declaration]:
        """Return what the hosts are at, those that are at something."""
        working = {host: link.at_work for host, link in list(self._links.items())}
        return {host: declaration for host, declaration in working.items() if declaration}

    def close(self) -> None:
        """Close all links."""
        links = list(self._links.values())
        if links:
            with ThreadPoolExecutor(min(self.options.forks, len(links))) as pool:
                list(pool.map(HostLink.close, links))
        self._links.clear()


class _HostVars(Mapping[str, Mapping[str, Any]]):
    """``hostvars``: every host's variables, rendered with that host's own."""

    def __init__(self, fleet: Fleet) -> None:
        self._fleet = fleet

    def __getitem__(self, host: str) -> Mapping[str, Any]:
        if host not in self._fleet.inventory.hosts and host not in LOCALHOST:
            raise KeyError(host)
        return Templater(self._fleet.context(host)).view()

    def __iter__(self) -> Any:
        return iter(self._fleet.inventory.hosts)

    def __len__(self) -> int:
        return len(self._fleet.inventory.hosts)


def _given(name: str, value: str | None) -> dict[str, str]:
    return {} if value is None else {name: value}
