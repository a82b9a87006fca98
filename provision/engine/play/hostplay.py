"""One play on one host: entries become resources, handlers run at the end of each section."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from provision.engine.masking import Mask
from provision.engine.options import RunOptions
from provision.engine.play.actions import Call
from provision.engine.play.judging import Judge, is_judged
from provision.engine.play.keywords import label_of, manner_of, user_of
from provision.engine.play.loops import Item, items_of
from provision.engine.play.once import Once
from provision.engine.play.performing import Pause, perform
from provision.engine.play.registered import (
    SKIPPED,
    NotKnownYetError,
    Registered,
    RegisteredItem,
    RegisteredLoop,
    Values,
)
from provision.engine.play.truth import truth
from provision.engine.play.variables import HostVariables
from provision.errors import TaskError, UsageError
from provision.playbook.model import Play, TaskEntry
from provision.tasks.host import Host
from provision.tasks.manner import Manner
from provision.tasks.outcome import HostFailedError
from provision.templating import Templater
from provision.transport.result import Result


class HostPlay:
    """Carries a play out on one host.

    Args:
        play: what to do.
        host: where.
        variables: the host's, during this play.
        options: tags to run and to skip.
        once: shared by the hosts of the batch.
        search: directories for files and templates.
        pause: waits so many seconds, or until the run is interrupted.
        mask: learns the secrets that tasks set.

    """

    def __init__(
        self,
        play: Play,
        host: Host,
        variables: HostVariables,
        options: RunOptions,
        once: Once,
        search: tuple[Path, ...],
        pause: Pause,
        mask: Mask,
    ) -> None:
        self.play = play
        self.host = host
        self.variables = variables
        self.options = options
        self.once = once
        self.search = search
        self.pause = pause
        self.mask = mask
        self._times: Counter[int] = Counter()  # that an entry was come to, by its identity

    def run(self) -> None:
        """Carry out all sections.

        Raises:
            HostFailedError: something failed; it has been reported.
            UnreachableError: the connection was lost.

        """
        self.host.handlers.play = self.play.name
        self.host.become = user_of(self.play, None, self._templater(self.variables))
        if truth(self.play.gather_facts):
            self.host.gather_facts()
        for section in (self.play.pre_tasks, self.play.tasks, self.play.post_tasks):
            wanted = [entry for entry in section if self._is_wanted(entry)]
            for entry in wanted:
                self._entry(entry)
            if wanted:
                self._run_handlers()
        self.host.wait()  # for facts that no entry wanted: they would seem to take all of the run

    def _is_wanted(self, entry: TaskEntry) -> bool:
        return self.options.wants(frozenset(entry.tags) | frozenset(self.play.tags))

    # -- handlers ---------------------------------------------------------------------------

    def _run_handlers(self) -> None:
        """Run what was notified by something that changed, in the order of definition.

        Also what an earlier run has notified, if it ended before it came to that.
        """
        notified = self._settle()
        left = self.host.handlers.pending() & self._known()
        notified |= left
        while notified:
            for handler in self.play.handlers:
                if notified & {handler.name, *handler.listen}:
                    self._entry(handler)
            for name in self.host.handlers.names():
                if name in notified:
                    self.host.run_handler(name)
            self._refuse_unknown(notified)
            notified = self._settle()
        if not self.host.check:
            self.host.handlers.handled(left)

    def _settle(self) -> set[str]:
        return {
            name
            for outcome in self.host.settle()
            if outcome.notify and outcome.wait().status in {"changed", "unknown"}
            for name in outcome.notify
        }

    def _known(self) -> set[str]:
        of_play = {name for it in self.play.handlers for name in (it.name, *it.listen)}
        return of_play | set(self.host.handlers.names())

    def _refuse_unknown(self, notified: set[str]) -> None:
        unknown = notified - self._known()
        if unknown:
            raise UsageError(f"no handler is called {sorted(unknown)[0]!r}", where=self.play.where)

    # -- entries ----------------------------------------------------------------------------

    def _entry(self, entry: TaskEntry) -> None:
        if not truth(self._templater(self.variables).render(entry.run_once, entry.where)):
            self._remember(entry, self._perform(entry))
            return
        self.host.wait()
        if self.host.failed:  # then another host does it
            raise HostFailedError("something before it has failed")
        self._times[id(entry)] += 1
        key = (id(entry), self._times[id(entry)])
        try:
            _, value = self.once.do(self.host.name, key, lambda: self._perform_alone(entry))
        except HostFailedError:
            if not self.host.failed:  # it was another one
                self.host.note(entry.name, Result("not_run"))
            raise
        self._remember(entry, value)

    def _perform_alone(self, entry: TaskEntry) -> Values:
        """Do an entry for all hosts, which go on when it has been done."""
        value = self._perform(entry)
        self.host.wait()
        if self.host.failed:
            raise HostFailedError(f"{entry.name}: failed on {self.host.name}")
        return value

    def _remember(self, entry: TaskEntry, value: Values) -> None:
        if entry.register:
            self.variables.remember(entry.register, value)
        if entry.action == "set_fact" and entry.loop is None:
            self._set_facts(value)

    def _set_facts(self, value: Values) -> None:
        facts = value.get("ansible_facts", {})
        self.mask.learn(facts, {})
        for name, fact in facts.items():
            self.variables.remember(name, fact)

    def _perform(self, entry: TaskEntry) -> Values:
        """Do an entry, all items of its loop; return what it registers."""
        self.mask.learn(entry.vars, self.variables)
        try:
            if entry.loop is None:
                return self._once(entry, Item(self.variables.with_task_vars(entry.vars)))
            return self._loop(entry)
        except NotKnownYetError as error:
            outcome = self.host.note(
                entry.name, Result("unknown", message=error.message), planned=True
            )
            return Registered(outcome, entry.where)
        except HostFailedError:
            raise
        except (UsageError, TaskError) as error:
            return self._report(entry, error)

    def _report(self, entry: TaskEntry, error: UsageError | TaskError) -> Values:
        """Report an error found here, such as an undefined variable, as the host's failure.

        Entries are rendered ahead of the host: where it has failed meanwhile, this one is not run.
        """
        self.host.wait()
        if self.host.failed:
            self.host.note(entry.name, Result("not_run"))
            raise HostFailedError(error.message)
        where = f"{error.where or entry.where}: "
        result = Result("failed", message=where + error.message, hint=error.hint or "")
        ignored = truth(self._templater(self.variables).render(entry.ignore_errors, entry.where))
        outcome = self.host.note(entry.name, result, Manner(ignore_errors=ignored))
        if not ignored:
            raise HostFailedError(error.message)
        return Registered(outcome, entry.where)

    def _loop(self, entry: TaskEntry) -> Values:
        base = self.variables.with_task_vars(entry.vars)
        try:
            items = list(items_of(entry, base, self.search))
        except UsageError:
            # As in Ansible: a loop over what is not there may be guarded by `when`.
            if entry.when is None or self._templater(base).test(entry.when, entry.where):
                raise
            self.host.note(entry.name, Result("skipped"))
            return SKIPPED
        results = []
        for item in items:
            value = self._once(entry, item)
            results.append(RegisteredItem(value, entry.loop_control.loop_var, item.value))
            if entry.action == "set_fact":
                self._set_facts(value)
        return RegisteredLoop(results)

    def _once(self, entry: TaskEntry, item: Item) -> Values:
        """Do an entry without a loop, or for one item of it."""
        templater = self._templater(item.variables)
        no_log = truth(templater.render(entry.no_log, entry.where))
        label = label_of(entry, item, templater, hidden=no_log)
        if entry.when is not None and not templater.test(entry.when, entry.where):
            self.host.note(label, Result("skipped"))
            return SKIPPED
        self.host.become = user_of(self.play, entry, templater)
        manner = manner_of(self.play, entry, templater, no_log=no_log)
        call = Call(
            entry, label, templater, self.host, manner, verbosity=self.options.verbosity
        ).with_parameters()
        planned = self.host.check if manner.check is None else manner.check
        judge = Judge(entry, item.variables, self.search, planned) if is_judged(entry) else None
        return perform(call, judge, self.pause)

    def _templater(self, variables: HostVariables) -> Templater:
        return Templater(variables, search=self.search)
