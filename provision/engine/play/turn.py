"""One play's turn in a run: its hosts in batches, with a failure policy."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from provision.engine.play.batches import batches, exceeds
from provision.engine.play.hostplay import HostPlay
from provision.engine.play.once import Once
from provision.engine.play.playbook import hosts_of
from provision.engine.play.playsettings import PlaySettings, settings_of
from provision.engine.play.variables import HostVariables
from provision.playbook.loader import load_variables
from provision.playbook.model import Play
from provision.tasks.host import Host
from provision.tasks.outcome import HostFailedError
from provision.templating import Templater

if TYPE_CHECKING:
    from provision.engine.run import Run

AfterBatch = Callable[[Sequence[str]], None]


class Turn:
    """Carries one play out.

    Args:
        run: whose hosts, and whose events.
        play: what to do.
        directory: the playbook's, where files and templates are looked for first.

    Attributes:
        attempted: the hosts whose batch has begun.
        untouched: those whose batch has not.

    """

    def __init__(self, run: Run, play: Play, directory: Path) -> None:
        self.run = run
        self.play = play
        self.attempted: list[str] = []
        wanted = set(run.hosts)
        named = hosts_of(run.inventory, play)
        self.untouched = [host for host in named if host in wanted and not run.is_out(host)]
        self._directory = directory
        self._search = (directory, directory.parent, Path.cwd())
        self._hosts = tuple(self.untouched)

    def take(self, after_batch: AfterBatch = lambda *_: None) -> bool:
        """Do it, as a phase of the run; return whether the plays after it may go on.

        Args:
            after_batch: what else has to go well on a batch before the next one begins; it
                reports the hosts on which it does not.

        """
        run, hosts = self.run, self._hosts
        if not hosts:
            return run.phase(self.play.name, (), lambda: "no host is left for it")
        settings = settings_of(self.play, run.options.extra_vars, run.fleet.context(hosts[0]))
        goes_on = True

        def work() -> None:
            nonlocal goes_on
            for batch in batches(hosts, settings.serial):
                self.attempted += batch
                self.untouched = self.untouched[len(batch) :]
                run.fleet.run(batch, self._player(batch))
                after_batch(batch)
                goes_on = self._may_go_on(settings, batch)
                if not goes_on:
                    break

        run.phase(self.play.name, hosts, work)
        return goes_on

    def _may_go_on(self, settings: PlaySettings, batch: Sequence[str]) -> bool:
        out = sum(self.run.is_out(host) for host in batch)
        if out and settings.any_errors_fatal:
            return False
        return not exceeds(out, len(batch), settings.max_fail_percentage)

    def _player(self, batch: Sequence[str]) -> Callable[[str], None]:
        run, once, search = self.run, Once(batch), self._search
        magic = {
            "ansible_check_mode": run.options.check,
            "ansible_play_batch": list(batch),
            "ansible_play_hosts": list(self._hosts),
            "ansible_play_name": self.play.name,
            "playbook_dir": str(self._directory.absolute()),
        }

        def work(name: str) -> None:
            try:
                host = run.host(name)
                variables = self._variables(host, magic)
                host.variables = Templater(variables, search=search).view()
                pause = run.fleet.pause
                play = HostPlay(
                    self.play, host, variables, run.options, once, search, pause, run.mask
                )
                play.run()
            except HostFailedError as error:
                run.failed[name] = error.message
            finally:
                once.leave(name)

        return work

    def _variables(self, host: Host, magic: Mapping[str, object]) -> HostVariables:
        run, given = self.run, self.run.options.extra_vars
        play_vars: dict[str, Any] = dict(self.play.vars)
        for file in self.play.vars_files:
            play_vars.update(load_variables(self._directory / file))
        context = {**run.fleet.context(host.name), **magic}
        variables = HostVariables(context, play_vars, given, lambda: host.facts)
        run.mask.learn({**play_vars, **given}, variables)
        if host.name in run.remembered:
            variables.take_over(run.remembered[host.name])
        run.remembered[host.name] = variables
        return variables
