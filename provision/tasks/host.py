"""A host, as tasks see it: something that resources are handed to."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, Protocol

from provision.agent.declaration import Declaration
from provision.agent.resource import Query, Resource
from provision.agent.resources.facts import Facts
from provision.tasks.outcome import HostFailedError, Outcome
from provision.tasks.run_info import RunInfo
from provision.transport.channel import AgentChannel, Result
from provision.transport.content import Content

Judge = Callable[[Result], Result]


class Observer(Protocol):
    """Is told what happens on a host, from whatever thread it happens in."""

    def started(self, host: str, label: str) -> None:
        """A resource is being worked on."""

    def progressed(self, host: str, label: str, event: Mapping[str, Any]) -> None:
        """It printed something, or moved on: an event of the agent's."""

    def finished(self, host: str, label: str, result: Result, *, ignored: bool) -> None:
        """It ended; ``ignored`` says that a failure of it does not count."""


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
    ) -> None:
        self.name = name
        self.run = run or RunInfo()
        self.variables = variables
        self.check = check
        self.become = become
        self.handlers: dict[str, tuple[Resource, ...]] = {}
        self._open_channel = open_channel
        self._observer = observer
        self._outcomes: list[Outcome] = []
        self._queue: list[str] = []  # labels under way, in order
        self._lock = threading.Lock()
        self._last: AgentChannel | None = None
        self._facts: Outcome | None = None
        self._prefix: list[str] = []
        self._failure: str | None = None

    # -- what tasks use ---------------------------------------------------------------------

    def apply(
        self,
        resource: Resource,
        *,
        name: str = "",
        notify: str | tuple[str, ...] = (),
        content: Content | None = None,
        ignore_errors: bool = False,
        check: bool | None = None,
        no_log: bool = False,
        environment: Mapping[str, str] | None = None,
        judge: Judge | None = None,
    ) -> Outcome:
        """Hand a resource to the host and return at once.

        Args:
            resource: what part of the host should be how.
            name: what to call it; else it is described by its kind and its main field.
            notify: handlers to run at the end of the section, should it change something.
            content: what the host gets when it asks for the declared hash (see ``Copy``).
            ignore_errors: go on after a failure of it.
            check: overrides the run's check mode.
            no_log: show and record nothing of what it holds.
            environment: variables for the programs that it runs.
            judge: may turn the host's answer into another one (``changed_when``).

        Raises:
            HostFailedError: something before it has failed; nothing is sent.

        """
        return self._submit(
            resource,
            label=self._label(name or describe(resource)),
            notify=(notify,) if isinstance(notify, str) else notify,
            check=self.check if check is None else check,
            ignore_errors=ignore_errors,
            content=content,
            no_log=no_log,
            environment=environment,
            judge=judge,
        )

    def ask(self, query: Query, *, name: str = "", no_log: bool = False) -> dict[str, Any]:
        """Ask the host something and wait for the answer.

        Raises:
            HostFailedError: there is none.

        """
        label = self._label(name or describe(query))
        return self._submit(query, label=label, notify=(), no_log=no_log).data

    @property
    def facts(self) -> Mapping[str, Any]:
        """What the host says of itself; asked once, awaited when looked at."""
        self.gather_facts()
        assert self._facts is not None  # noqa: S101 - the line above sets it
        return self._facts.data

    def gather_facts(self) -> None:
        """Ask for the facts, without waiting for them."""
        if self._facts is None:
            self._facts = self._submit(Facts(), label="gather facts", notify=())

    def on_change(self, handler: str, *resources: Resource) -> None:
        """Define what a notified name does: ``on_change("restart docker", Systemd(…))``."""
        self.handlers[handler] = resources

    @contextmanager
    def section(self, name: str) -> Iterator[None]:
        """Prefix the labels of what is applied inside with a task's name."""
        self._prefix.append(name)
        try:
            yield
        finally:
            self._prefix.pop()

    # -- what the engine uses ---------------------------------------------------------------

    def settle(self) -> list[Outcome]:
        """Wait for everything that was handed over, and return and forget it.

        Raises:
            HostFailedError: something failed.
            UnreachableError: the connection was lost.

        """
        settled, self._outcomes = self._outcomes, []
        for outcome in settled:
            outcome.wait()
        if self._failure is not None:
            raise HostFailedError(self._failure)
        return settled

    @property
    def failed(self) -> bool:
        """Whether something failed on it that counts."""
        return self._failure is not None

    def note(self, name: str, result: Result, *, ignored: bool = False) -> None:
        """Report something that was decided here rather than on the host; a failure counts."""
        for outcome in self._outcomes:
            outcome.wait()
        label = self._label(name)
        self._observer.started(self.name, label)
        self._observer.finished(self.name, label, result, ignored=ignored)
        if result.status in _FATAL and not ignored and self._failure is None:
            self._failure = f"{label}: {result.message}"

    # -- inside -----------------------------------------------------------------------------

    def _label(self, name: str) -> str:
        return ": ".join([*self._prefix, name])

    def _submit(
        self,
        declaration: Declaration,
        *,
        label: str,
        notify: tuple[str, ...],
        check: bool = False,
        ignore_errors: bool = False,
        content: Content | None = None,
        no_log: bool = False,
        environment: Mapping[str, str] | None = None,
        judge: Judge | None = None,
    ) -> Outcome:
        if self._failure is not None:
            raise HostFailedError(self._failure)
        channel = self._channel()
        self._begin(label)
        answer: Future[Result] = Future()

        def listen(event: Mapping[str, Any]) -> None:
            if not no_log:
                self._observer.progressed(self.name, label, event)

        judged = _Judgement(label, answer, ignore_errors, no_log, judge)
        raw = channel.submit(
            declaration,
            check=check,
            keep_going=ignore_errors or judge is not None,
            environment=environment,
            content=content,
            on_event=listen,
        )
        raw.add_done_callback(lambda done: self._end(done, judged))
        outcome = Outcome(label, answer, channel.flush, notify)
        self._outcomes.append(outcome)
        return outcome

    def _channel(self) -> AgentChannel:
        """Return the channel of the current user; a change of user waits for what came before."""
        channel = self._open_channel(self.become)
        if self._last is not None and self._last is not channel:
            for outcome in self._outcomes:
                outcome.wait()
        self._last = channel
        return channel

    def _begin(self, label: str) -> None:
        with self._lock:
            self._queue.append(label)
            first = len(self._queue) == 1
        if first:
            self._observer.started(self.name, label)

    def _end(self, done: Future[Result], judged: _Judgement) -> None:
        """Pass an answer on; runs in the channel's reading thread."""
        error = done.exception()
        if error is not None:
            judged.answer.set_exception(error)
            return
        result = judged.of(done.result())
        if result.status in _FATAL and not judged.ignore_errors and self._failure is None:
            self._failure = f"{judged.label}: {result.message}"
        with self._lock:
            self._queue.pop(0)
            following = self._queue[0] if self._queue else None
        self._observer.finished(self.name, judged.label, result, ignored=judged.ignore_errors)
        if following is not None and result.status != "not_run":
            self._observer.started(self.name, following)
        judged.answer.set_result(result)


_FATAL = {"failed", "cancelled"}


@dataclass(frozen=True)
class _Judgement:
    """What is to be made of the host's answer to one resource."""

    label: str
    answer: Future[Result]
    ignore_errors: bool
    no_log: bool
    judge: Judge | None

    def of(self, result: Result) -> Result:
        if self.judge is not None:
            result = self.judge(result)
        if self.no_log:
            result = replace(result, changes={}, log=(), expected="", found="")
        return result


_MAIN_FIELDS = ("name", "dest", "path", "project", "server", "key", "url", "shell", "argv")


def describe(declaration: Declaration) -> str:
    """Return a short label: the kind, and the field that says which one."""
    fields = declaration.fields()
    for field in _MAIN_FIELDS:
        if field in fields:
            value = fields[field]
            text = " ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
            return f"{declaration.kind().lower()} {shorten(text)}"
    return declaration.kind().lower()


def shorten(text: str, width: int = 60) -> str:
    """Return the first line of a text, cut to ``width``."""
    line = text.strip().partition("\n")[0]
    return line if len(line) <= width else line[: width - 1] + "…"
