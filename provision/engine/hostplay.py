"""One play on one host: entries become resources, handlers run at the end of each section."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, NoReturn

from provision.engine.actions import Call, perform
from provision.engine.once import Once
from provision.engine.options import RunOptions
from provision.engine.registered import RegisteredLoop, result_values, skipped
from provision.engine.variables import HostVariables
from provision.errors import TaskError, UsageError
from provision.playbook.model import LoopControl, Play, TaskEntry
from provision.tasks.host import Host, Judge, shorten
from provision.tasks.outcome import HostFailedError
from provision.templating import Templater
from provision.transport.channel import Result


class HostPlay:
    """Carries a play out on one host.

    Args:
        play: what to do.
        host: where.
        variables: the host's, during this play.
        options: tags to run and to skip.
        once: shared by the hosts of the batch.
        search: directories for files and templates.

    """

    def __init__(
        self,
        play: Play,
        host: Host,
        variables: HostVariables,
        options: RunOptions,
        once: Once,
        search: tuple[Path, ...],
    ) -> None:
        self.play = play
        self.host = host
        self.variables = variables
        self.options = options
        self.once = once
        self.search = search

    def run(self) -> None:
        """Carry out all sections.

        Raises:
            HostFailedError: something failed; it has been reported.
            UnreachableError: the connection was lost.

        """
        if truth(self.play.gather_facts):
            self.host.gather_facts()
        for section in (self.play.pre_tasks, self.play.tasks, self.play.post_tasks):
            self._entries(section)
            self._run_handlers()

    def _entries(self, entries: Iterable[TaskEntry]) -> None:
        for entry in entries:
            if self.options.wants(frozenset(entry.tags) | frozenset(self.play.tags)):
                self._entry(entry)

    # -- handlers ---------------------------------------------------------------------------

    def _run_handlers(self) -> None:
        """Run what was notified by something that changed, in the order of definition."""
        notified = self._settle()
        while notified:
            for handler in self.play.handlers:
                if notified & {handler.name, *handler.listen}:
                    self._entry(handler)
            for name, resources in self.host.handlers.items():
                if name in notified:
                    for resource in resources:
                        self.host.apply(resource, name=f"handler: {name}")
            self._refuse_unknown(notified)
            notified = self._settle()

    def _settle(self) -> set[str]:
        return {
            name
            for outcome in self.host.settle()
            if outcome.notify and outcome.changed
            for name in outcome.notify
        }

    def _refuse_unknown(self, notified: set[str]) -> None:
        known = {name for handler in self.play.handlers for name in (handler.name, *handler.listen)}
        unknown = notified - known - set(self.host.handlers)
        if unknown:
            raise UsageError(f"no handler is called {sorted(unknown)[0]!r}", where=self.play.where)

    # -- entries ----------------------------------------------------------------------------

    def _entry(self, entry: TaskEntry) -> None:
        if not truth(entry.run_once):
            self._perform(entry)
            return
        first, value = self.once.do(id(entry), lambda: self._perform(entry))
        if not first and entry.register:
            self.variables.remember(entry.register, value)

    def _perform(self, entry: TaskEntry) -> Mapping[str, Any] | None:
        """Do an entry, all items of its loop; return what it registers."""
        try:
            results = [self._item(entry, variables) for variables in self._items(entry)]
        except (UsageError, TaskError) as error:
            if isinstance(error, HostFailedError):
                raise
            self._report(entry, error)
        value = RegisteredLoop(results) if entry.loop is not None else results[0]
        if entry.register:
            self.variables.remember(entry.register, value)
        return value

    def _report(self, entry: TaskEntry, error: UsageError | TaskError) -> NoReturn:
        """Report an error found here, such as an undefined variable, as the host's failure."""
        where = f"{error.where or entry.where}: "
        result = Result("failed", message=where + error.message, hint=error.hint or "")
        self.host.note(entry.name, result)
        raise HostFailedError(error.message)

    def _items(self, entry: TaskEntry) -> Iterable[HostVariables]:
        """Yield the variables of each item of the loop; once where there is none."""
        base = self.variables.with_task_vars(entry.vars)
        if entry.loop is None:
            yield base
            return
        items = Templater(base, search=self.search).render(entry.loop, entry.where)
        if not isinstance(items, list | tuple):
            raise UsageError(f"loop: {items!r} is not a list", where=entry.where)
        for index, item in enumerate(items):
            yield base.with_task_vars(self._loop_vars(entry.loop_control, index, item))

    @staticmethod
    def _loop_vars(control: LoopControl, index: int, item: object) -> dict[str, object]:
        names: dict[str, object] = {control.loop_var: item}
        if control.index_var is not None:
            names[control.index_var] = index
        return names

    def _item(self, entry: TaskEntry, variables: HostVariables) -> Mapping[str, Any]:
        templater = Templater(variables, search=self.search)
        label = self._label(entry, variables, templater)
        if entry.when is not None and not templater.test(entry.when, entry.where):
            self.host.note(label, Result("skipped"))
            return skipped()
        self.host.become = self._user(entry)
        parameters = templater.render(entry.parameters, entry.where)
        call = Call(
            entry=entry,
            label=label,
            parameters=dict(parameters),  # type: ignore[call-overload]
            templater=templater,
            host=self.host,
            judge=self._judge(entry, variables),
            ignore_errors=templater.test(entry.ignore_errors, entry.where),
            no_log=templater.test(entry.no_log, entry.where),
            check=None if entry.check_mode is None else templater.test(entry.check_mode),
            environment=templater.render({**self.play.environment, **entry.environment}),  # type: ignore[arg-type]
        )
        value = perform(call) if entry.until is None else self._until(call, variables)
        for name, fact in value.get("ansible_facts", {}).items() if _sets_facts(entry) else ():
            self.variables.remember(name, fact)
        return value

    @staticmethod
    def _label(entry: TaskEntry, variables: HostVariables, templater: Templater) -> str:
        """Return the entry's name; in a loop with the item, or what ``loop_control.label`` says."""
        name = templater.render_text(entry.name, entry.where)
        if entry.loop is None:
            return name
        control = entry.loop_control
        item = variables[control.loop_var] if control.label is None else control.label
        return f"{name} ({shorten(str(templater.render(item)), 40)})"

    def _user(self, entry: TaskEntry) -> str | None:
        """Return the user to become; connection variables win over keywords, as in Ansible."""
        candidates = (self.variables.given("ansible_become"), entry.become, self.play.become)
        become = next((value for value in candidates if value is not None), False)
        if not truth(become):
            return None
        user = self.variables.given("ansible_become_user")
        return str(user or entry.become_user or self.play.become_user or "root")

    # -- conditions on results --------------------------------------------------------------

    def _judge(self, entry: TaskEntry, variables: HostVariables) -> Judge | None:
        """Return what ``changed_when`` and ``failed_when`` make of a result; None without them."""
        if entry.changed_when is None and entry.failed_when is None:
            return None

        def judge(result: Result) -> Result:
            if result.status == "not_run":
                return result
            templater = self._with_result(entry, variables, result_values(result))
            if entry.failed_when is not None:
                failed = templater.test(entry.failed_when, entry.where)
                recovered = "changed" if result.status == "failed" else result.status
                result = replace(result, status="failed" if failed else recovered)
            if entry.changed_when is not None and result.status in {"ok", "changed"}:
                changed = templater.test(entry.changed_when, entry.where)
                result = replace(result, status="changed" if changed else "ok")
            return result

        return judge

    def _with_result(
        self, entry: TaskEntry, variables: HostVariables, values: Mapping[str, Any]
    ) -> Templater:
        known = {entry.register: values} if entry.register else {}
        return Templater(variables.with_task_vars({**values, **known}), search=self.search)

    def _until(self, call: Call, variables: HostVariables) -> Mapping[str, Any]:
        """Repeat an action until its condition holds; the last attempt's failure counts."""
        entry = call.entry
        attempts = int(str(call.templater.render(entry.retries))) + 1
        delay = float(str(call.templater.render(entry.delay)))
        for attempt in range(1, attempts + 1):
            last = attempt == attempts
            value = perform(replace(call, ignore_errors=call.ignore_errors or not last))
            templater = self._with_result(entry, variables, dict(value))
            if templater.test(entry.until, entry.where):
                break
            if last:
                self.host.note(
                    call.label,
                    Result("failed", message=f"not so after {attempt} attempts: {entry.until}"),
                    ignored=call.ignore_errors,
                )
            else:
                time.sleep(delay)
        return value


def _sets_facts(entry: TaskEntry) -> bool:
    return entry.action == "set_fact"


def truth(value: object) -> bool:
    """Return a boolean that may be written as text, as YAML and the command line have it."""
    return str(value).lower() in {"true", "yes", "on", "1"}
