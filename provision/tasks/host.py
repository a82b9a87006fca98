"""A host, as tasks see it: something that resources are handed to."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from provision.agent.declaration import Declaration
from provision.agent.resource import Query, Resource
from provision.agent.resources.facts import Facts
from provision.tasks.deployed import Deployed
from provision.tasks.handlers import Handlers
from provision.tasks.line import Line, NoLine
from provision.tasks.manner import Manner
from provision.tasks.outcome import Outcome
from provision.tasks.reporter import FATAL, Observer, Reporter
from provision.tasks.run_info import RunInfo
from provision.tasks.stream import Stream
from provision.transport.channel import AgentChannel
from provision.transport.content import Content
from provision.transport.labels import describe
from provision.transport.result import Result

_DONE = frozenset({"ok", "changed", "unknown"})


class Host:
    """One host of a play. Everything handed to it is carried out in order.

    Args:
        name: as in the inventory.
        variables: rendered when looked at.
        open_channel: returns the channel of the agent that runs as the given user (None: the login
            user); called when first needed.
        observer: is told of everything.
        check: only tell what would change.
        become: the user that resources are applied as, or None for the login user.
        run: the run that it is a part of.
        line: the way to it, where it may be left and found again.

    Attributes:
        handlers: what its tasks have defined with ``on_change``.

    """

    def __init__(
        self,
        name: str,
        variables: Mapping[str, Any],
        open_channel: Callable[[str | None], AgentChannel],
        observer: Observer,
        *,
        check: bool = False,
        become: str | None = "root",
        run: RunInfo | None = None,
        line: Line | None = None,
    ) -> None:
        self.name = name
        self.run = run or RunInfo()
        self.line = line or NoLine()
        self.variables = variables
        self.become = become
        self.handlers = Handlers()
        self._reporter = Reporter(name, observer)
        self._stream = Stream(
            open_channel, self._reporter, self.handlers, lambda: self.line.opened(self)
        )
        self._outcomes: list[Outcome] = []
        self._facts: Outcome | None = None
        self._prefix: list[str] = []
        self._manners = [Manner(check=check)]  # the run's, then those of the tasks at work

    # -- what tasks use ---------------------------------------------------------------------

    @property
    def check(self) -> bool:
        """Whether nothing may be changed."""
        return self.is_planned()

    def apply(
        self,
        resource: Resource,
        *,
        name: str = "",
        notify: str | tuple[str, ...] = (),
        content: Content | None = None,
        no_log: bool = False,
        environment: Mapping[str, str] | None = None,
    ) -> Outcome:
        """Hand a resource to the host and return at once.

        Args:
            resource: what part of the host should be how.
            name: what to call it; else it is described by its kind and its main field.
            notify: handlers to run at the end of the section, should it change something.
            content: what the host gets when it asks for the declared hash (see ``Copy``).
            no_log: show and record nothing of what it holds.
            environment: variables for the programs that it runs.

        Raises:
            HostFailedError: something before it has failed; nothing is sent.

        """
        manner = Manner(
            notify=(notify,) if isinstance(notify, str) else notify,
            no_log=no_log,
            environment=environment or {},
        )
        return self.submit(resource, manner, name=name, content=content)

    def ask(self, query: Query, *, name: str = "", no_log: bool = False) -> dict[str, Any]:
        """Ask the host something and wait for the answer.

        Raises:
            HostFailedError: there is none.

        """
        return self.submit(query, Manner(no_log=no_log), name=name).data

    def deployed(self, current: Outcome, deployed: Deployed) -> None:
        """Tell of a role's release, once the resource that makes it the current one has ended."""

        def tell(done: Future[Result]) -> None:
            if done.exception() is None and done.result().status in _DONE:
                self._reporter.deployed(deployed, done.result())
                if done.result().status == "changed":
                    self.run.switched.setdefault(deployed.role, set()).add(self.name)

        current.future.add_done_callback(tell)

    @property
    def facts(self) -> Mapping[str, Any]:
        """What the host says of itself; asked once, awaited when looked at."""
        if self._facts is None:
            self.gather_facts()
        assert self._facts is not None  # noqa: S101 - the line above sees to it
        return self._facts.data

    def gather_facts(self) -> None:
        """Ask for the facts, without waiting for them."""
        self.learn_facts(self.submit(Facts(), Manner(), name="gather facts"))

    def learn_facts(self, outcome: Outcome) -> None:
        """Take what was gathered anew for the facts."""
        self._facts = outcome

    def on_change(self, handler: str, *resources: Resource) -> None:
        """Define what a notified name does: ``on_change("restart docker", Systemd(…))``."""
        self.handlers.define(handler, self.become, resources)

    def is_planned(self, manner: Manner | None = None) -> bool:
        """Tell whether something done in this manner may change nothing."""
        return bool((manner or Manner()).within(self._manners[-1]).check)

    def forget(self) -> None:
        """Forget what was only so before it was left: it may have other facts now."""
        self._facts = None
        self._stream.forget_channel()

    # -- what the engine uses ---------------------------------------------------------------

    @contextmanager
    def section(self, name: str, manner: Manner) -> Iterator[list[Outcome]]:
        """Carry out what is handed over inside as parts of a task; yields their outcomes."""
        before = len(self._outcomes)
        parts: list[Outcome] = []
        self._prefix.append(name)
        self._manners.append(manner.within(self._manners[-1]))
        try:
            yield parts
        finally:
            self._prefix.pop()
            self._manners.pop()
            parts.extend(self._outcomes[before:])

    def submit(
        self,
        declaration: Declaration,
        manner: Manner,
        *,
        name: str = "",
        content: Content | None = None,
    ) -> Outcome:
        """Hand a resource or query over and return at once; see ``apply``."""
        manner = manner.within(self._manners[-1])
        label = self._label(name or describe(declaration))
        self._stream.refuse_after_failure()
        outcome = self._stream.hand_over(self.become, declaration, manner, label, content)
        self._outcomes.append(outcome)
        return outcome

    def hold(self, query: Query, *, name: str) -> Outcome:
        """Hand over a query on which all that follows depends, whatever task is at work."""
        return self._stream.hand_over(self.become, query, Manner(), name, None)

    def attempt(
        self,
        declaration: Declaration,
        manner: Manner,
        *,
        name: str,
        content: Content | None = None,
    ) -> Result:
        """Carry something out, wait, and leave it to the caller to ``note`` what came of it.

        Raises:
            HostFailedError: something before it has failed.

        """
        manner = replace(manner.within(self._manners[-1]), ignore_errors=True)
        label = self._label(name)
        return self._stream.attempt(self.become, declaration, manner, label, content)

    def note(
        self, name: str, result: Result, manner: Manner | None = None, *, planned: bool = False
    ) -> Outcome:
        """Report something that was decided here rather than on the host; a failure counts."""
        manner = (manner or Manner()).within(self._manners[-1])
        label = self._label(name)
        if result.status in FATAL:
            self.wait()
            self._stream.count_failure(label, result, manner)
        self._reporter.note(label, manner.shown(result), ignored=manner.ignore_errors)
        answer: Future[Result] = Future()
        answer.set_result(result)
        outcome = Outcome(label, answer, lambda: None, manner.notify, planned)
        self._outcomes.append(outcome)
        return outcome

    def progress(self, name: str, done: int, total: int, unit: str) -> None:
        """Tell that something which takes several steps has come to one of them."""
        event = {"event": "progress", "label": unit, "done": done, "total": total, "unit": unit}
        self._reporter.progress(self._label(name), event)

    @property
    def failed(self) -> bool:
        """Whether something failed on it that counts."""
        return self._stream.has_failed

    def wait(self) -> None:
        """Wait for everything that was handed over; answers come in order."""
        self._stream.wait()

    def settle(self) -> list[Outcome]:
        """Wait for everything that was handed over, and return and forget it.

        Raises:
            HostFailedError: something failed.
            UnreachableError: the connection was lost.

        """
        settled, self._outcomes = self._outcomes, []
        self.wait()
        self._stream.refuse_after_failure()
        return settled

    def run_handler(self, name: str) -> None:
        """Do what a name means, as the user that was to do it when the name was defined."""
        self.become, resources = self.handlers.defined(name)
        for resource in resources:
            self.apply(resource, name=f"handler: {name}")

    def _label(self, name: str) -> str:
        return ": ".join([*self._prefix, name])
