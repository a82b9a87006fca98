"""A run: plays over the fleet, in batches, with a failure policy, and its end told truthfully."""

from __future__ import annotations

import contextlib
import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

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
from provision.engine.masking import Mask, MaskedBus
from provision.engine.observer import EventObserver
from provision.engine.options import RunOptions
from provision.engine.play.batches import batches, exceeds
from provision.engine.play.hostplay import HostPlay
from provision.engine.play.once import Once
from provision.engine.play.playbook import hosts_of
from provision.engine.play.playsettings import PlaySettings, settings_of
from provision.engine.play.variables import HostVariables
from provision.engine.recap import Tally
from provision.errors import ExitCode, ProvisionError, TaskError
from provision.inventory.inventory import Inventory
from provision.playbook.loader import load_variables
from provision.playbook.model import Play
from provision.tasks.host import Host
from provision.tasks.labels import describe
from provision.tasks.outcome import HostFailedError
from provision.tasks.run_info import RunInfo
from provision.templating import Templater
from provision.transport.channel import Result

_CANCEL_GRACE = 15.0  # seconds that hosts get to end what must not be interrupted
_CANCEL_POLL = 0.05

AfterBatch = Callable[["Run", Play, Sequence[str]], None]


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
        self.locked_for: str | None = None  # the command, while the run has its hosts' locks
        self.attempted: list[str] = []  # of the play at work, the hosts whose batch has begun
        self.untouched: list[str] = []
        self.options = options
        self.inventory = inventory
        self.failed: dict[str, str] = {}
        self.mask = Mask()
        self.info.logins.hide_with(self.mask.add)
        typed = {options.login_password, options.become_password}
        self.mask.add({password for password in typed if password})
        self._command = command
        self._bus = MaskedBus(bus, self.mask)
        self.fleet = Fleet(inventory, options, self._bus)
        self._tally = Tally(tuple(hosts))
        self._hosts = tuple(hosts)
        self._started = time.monotonic()
        self._remembered: dict[str, HostVariables] = {}
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
                hosts=self._hosts,
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

    def phase(self, name: str, hosts: Sequence[str], work: Callable[[], str | None]) -> bool:
        """Do ``work`` as a phase of its own; return whether all hosts came through it.

        ``work`` may return a summary of a few words; else the hosts are counted.
        """
        started = time.monotonic()
        self._bus.emit(PhaseStarted(phase=name, hosts=tuple(hosts)))
        summary: str | None = "stopped"
        ok = False
        try:
            summary = work()
            ok = not any(self.is_out(host) for host in hosts)
        finally:
            well = sum(not self.is_out(host) for host in hosts)
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

    # -- plays ------------------------------------------------------------------------------

    def play(self, play: Play, directory: Path, after_batch: AfterBatch = lambda *_: None) -> bool:
        """Carry a play out on its hosts; return whether the plays after it may go on.

        Args:
            play: what to do.
            directory: the playbook's, where files and templates are looked for first.
            after_batch: what else has to go well on a batch before the next one begins; it
                reports the hosts on which it does not.

        """
        wanted = set(self._hosts)
        named = hosts_of(self.inventory, play)
        hosts = [host for host in named if host in wanted and not self.is_out(host)]
        self.attempted, self.untouched = [], list(hosts)
        if not hosts:
            return self.phase(play.name, (), lambda: "no host is left for it")
        settings = settings_of(play, self.options.extra_vars, self.fleet.context(hosts[0]))
        go_on = True

        def work() -> None:
            nonlocal go_on
            for batch in batches(hosts, settings.serial):
                self.attempted += batch
                self.untouched = self.untouched[len(batch) :]
                self.fleet.run(batch, self._player(play, directory, hosts, batch))
                after_batch(self, play, batch)
                go_on = self._may_go_on(settings, batch)
                if not go_on:
                    break

        self.phase(play.name, hosts, work)
        return go_on

    def _may_go_on(self, settings: PlaySettings, batch: Sequence[str]) -> bool:
        out = sum(self.is_out(host) for host in batch)
        if out and settings.any_errors_fatal:
            return False
        return not exceeds(out, len(batch), settings.max_fail_percentage)

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

    def _player(
        self, play: Play, directory: Path, hosts: Sequence[str], batch: Sequence[str]
    ) -> Callable[[str], None]:
        once = Once(batch)
        search = (directory, directory.parent, Path.cwd())
        magic = {
            "ansible_check_mode": self.options.check,
            "ansible_play_batch": list(batch),
            "ansible_play_hosts": list(hosts),
            "ansible_play_name": play.name,
            "playbook_dir": str(directory.absolute()),
        }

        def work(name: str) -> None:
            try:
                host = self.host(name)
                variables = self._variables(name, play, directory, host, magic)
                host.variables = Templater(variables, search=search).view()
                pause = self.fleet.pause
                HostPlay(play, host, variables, self.options, once, search, pause, self.mask).run()
            except HostFailedError as error:
                self.failed[name] = error.message
            finally:
                once.leave(name)

        return work

    def host(self, name: str) -> Host:
        """Return a host that resources can be handed to."""
        context = self.fleet.context(name)
        self.mask.learn(self.inventory.variables(name), context)
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

    def _variables(
        self, name: str, play: Play, directory: Path, host: Host, magic: Mapping[str, object]
    ) -> HostVariables:
        play_vars: dict[str, Any] = dict(play.vars)
        for file in play.vars_files:
            play_vars.update(load_variables(directory / file))
        context = {**self.fleet.context(name), **magic}
        variables = HostVariables(context, play_vars, self.options.extra_vars, lambda: host.facts)
        self.mask.learn({**play_vars, **self.options.extra_vars}, variables)
        if name in self._remembered:
            variables.take_over(self._remembered[name])
        self._remembered[name] = variables
        return variables
