"""A run: one command's work on the fleet, in phases, and its end told truthfully."""

from __future__ import annotations

import contextlib
import secrets
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from provision.engine.events import (
    Event,
    EventBus,
    PhaseFinished,
    PhaseStarted,
    RunFinished,
    RunStarted,
)
from provision.engine.fleet import Fleet
from provision.engine.line import HostLine
from provision.engine.locking import Locks
from provision.engine.masking import Mask, MaskedBus
from provision.engine.observer import EventObserver
from provision.engine.options import RunOptions
from provision.engine.recap import Tally
from provision.errors import ExitCode, ProvisionError, TaskError
from provision.inventory.inventory import Inventory
from provision.tasks.host import Host
from provision.tasks.outcome import HostFailedError
from provision.tasks.run_info import RunInfo
from provision.templating import Templater
from provision.transport.labels import describe
from provision.transport.result import Result

if TYPE_CHECKING:
    from provision.engine.play.variables import HostVariables

_CANCEL_GRACE = 15.0  # seconds that hosts get to end what must not be interrupted
_CANCEL_POLL = 0.05


class Run:
    """One command's work on a fleet.

    Args:
        command: what the person typed, for reports.
        inventory: hosts and variables.
        options: how it is to be done.
        bus: takes the events.
        hosts: those that the run is about, in inventory order.

    """

    def __init__(
        self,
        command: str,
        inventory: Inventory,
        options: RunOptions,
        bus: EventBus,
        hosts: Sequence[str],
    ) -> None:
        self.id = f"{time.strftime('%Y%m%d-%H%M%S')}-{secrets.token_hex(2)}"
        self.info = RunInfo(self.id, may_reboot=not options.no_reboot)
        self.notes = self.info.notes
        self.locks = Locks(self)
        self.hosts = tuple(hosts)
        self.remembered: dict[str, HostVariables] = {}  # as the last play on a host left them
        self.options = options
        self.inventory = inventory
        self.failed: dict[str, str] = {}
        self.mask = Mask()
        self._masked: set[str] = set()  # hosts whose secrets the mask knows
        self.info.logins.hide_with(self.mask.add)
        typed = {options.login_password, options.become_password}
        self.mask.add({password for password in typed if password})
        self._command = command
        self._bus = MaskedBus(bus, self.mask)
        self.fleet = Fleet(inventory, options, self._bus)
        self._tally = Tally(tuple(hosts))
        self._started = time.monotonic()
        bus.subscribe(self._tally)

    # -- the frame --------------------------------------------------------------------------

    def perform(self, work: Callable[[Run], ExitCode | None]) -> ExitCode:
        """Do ``work`` between the run's first and last event, and close everything after it.

        Returns the exit code: what ``work`` says, else what the hosts' results amount to.
        """
        self._bus.emit(
            RunStarted(
                run=self.id,
                command=self._command,
                hosts=self.hosts,
                check=self.options.check,
                by=self.info.by,
            )
        )
        code: ExitCode = ExitCode.FAILED
        try:
            code = work(self) or self.exit_code()
        except KeyboardInterrupt:
            code = ExitCode.INTERRUPTED
            self.stop()
        except ProvisionError as error:
            code = error.exit_code
            error.message = self.mask(error.message)
            raise
        finally:
            self.fleet.close()
            self._finish(code)
        return code

    def exit_code(self) -> ExitCode:
        """Return what the results so far amount to."""
        return self._tally.exit_code(check=self.options.check)

    def _finish(self, code: ExitCode) -> None:
        self._bus.emit(
            RunFinished(
                run=self.id,
                exit_code=int(code),
                seconds=time.monotonic() - self._started,
                recap=self._tally.recap() if self._tally.touched or code is ExitCode.OK else {},
                notes=tuple(map(self.mask, self.notes)),
            )
        )

    def stop(self) -> None:
        """After Ctrl-C: end what may end, wait for the rest; a second Ctrl-C leaves it alone."""
        self.fleet.cancel()
        with contextlib.suppress(KeyboardInterrupt):
            self.phase("stopping", (), self._let_end)

    def connect_anew(self) -> None:
        """After ``stop``: leave all connections to themselves, so that hosts can be put right."""
        self.fleet.close()
        self.fleet = Fleet(self.inventory, self.options, self._bus)

    def _let_end(self) -> str:
        """Wait for what must not be interrupted (half an ``apt-get`` is worse than a whole one)."""
        deadline = time.monotonic() + _CANCEL_GRACE
        while (working := self.fleet.at_work()) and time.monotonic() < deadline:
            time.sleep(_CANCEL_POLL)
        time.sleep(_CANCEL_POLL)  # the last answers are being told
        left = [f"{host} goes on with {describe(it)}" for host, it in working.items()]
        return "; ".join(left) or "everything has ended"

    # -- phases -----------------------------------------------------------------------------

    def phase(
        self,
        name: str,
        hosts: Sequence[str],
        work: Callable[[], str | None],
        *,
        is_bad: Callable[[str], bool] | None = None,
    ) -> bool:
        """Do ``work`` as a phase of its own; return whether all hosts came through it.

        ``work`` may return a summary of a few words; else the hosts are counted. ``is_bad`` tells
        of a host that it did not come through; without it, that is one that is out of the run.
        """
        is_bad = is_bad or self.is_out
        started = time.monotonic()
        self._bus.emit(PhaseStarted(phase=name, hosts=tuple(hosts)))
        summary: str | None = "stopped"
        ok = False
        try:
            summary = work()
            ok = not any(map(is_bad, hosts))
        finally:
            well = sum(not is_bad(host) for host in hosts)
            self._bus.emit(
                PhaseFinished(
                    phase=name,
                    ok=ok,
                    summary=summary or f"{well}/{len(hosts)} ok",
                    seconds=time.monotonic() - started,
                )
            )
        return ok

    def tell(self, event: Event) -> None:
        """Tell all who listen to the run of an event."""
        self._bus.emit(event)

    def is_out(self, host: str) -> bool:
        """Tell whether a host has failed or was lost, so that nothing more is done on it."""
        return host in self.failed or host in self.fleet.lost

    # -- hosts ------------------------------------------------------------------------------

    def each(self, hosts: Sequence[str], work: Callable[[Host], None]) -> None:
        """Do ``work`` on hosts, and wait for what it has handed to them; failures are reported."""

        def guarded(name: str) -> None:
            host = self.host(name)
            try:
                work(host)
                host.settle()
            except HostFailedError as error:
                self.failed[name] = error.message
            except TaskError as error:
                result = Result("failed", message=error.message, hint=error.hint or "")
                host.note(self._command, result)
                self.failed[name] = error.message

        self.fleet.run(hosts, guarded)

    def host(self, name: str) -> Host:
        """Return a host that resources can be handed to."""
        context = self.fleet.context(name)
        if name not in self._masked:  # else a password manager would be asked again and again
            self.mask.learn(self.inventory.variables(name), context)
            self._masked.add(name)
        line = HostLine(self, name)
        return Host(
            name,
            Templater(context).view(),
            line.channel,
            EventObserver(self._bus.emit),
            check=self.options.check,
            run=self.info,
            line=line,
        )
