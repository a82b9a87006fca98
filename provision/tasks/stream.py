"""What is handed to one host, in order, and what becomes of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import Future
from typing import Any

from provision.agent.declaration import Declaration
from provision.agent.resource import Resource
from provision.tasks.handlers import Handlers
from provision.tasks.manner import Manner
from provision.tasks.outcome import HostFailedError, Outcome, mapped
from provision.tasks.planned import looked_at_once, not_yet, waits
from provision.tasks.reporter import FATAL, Reporter
from provision.transport.channel import AgentChannel
from provision.transport.content import Content
from provision.transport.result import Result


class Stream:
    """The declarations of one host: the first that fails ends it, and nothing is sent any more.

    Args:
        open_channel: returns the channel of the agent that runs as the given user.
        reporter: is told of everything.
        handlers: what the host is to remember before it changes something.
        begin: hands over what has to come first on a channel.

    """

    def __init__(
        self,
        open_channel: Callable[[str | None], AgentChannel],
        reporter: Reporter,
        handlers: Handlers,
        begin: Callable[[], None],
    ) -> None:
        self.has_failed = False
        self._open_channel = open_channel
        self._reporter = reporter
        self._handlers = handlers
        self._begin = begin
        self._channel: AgentChannel | None = None  # the one used last
        self._last: Outcome | None = None  # of those that the host answers
        self._failure = ""

    def forget_channel(self) -> None:
        """Forget which channel was used: the host has been left."""
        self._channel = None

    def hand_over(
        self,
        become: str | None,
        declaration: Declaration,
        manner: Manner,
        label: str,
        content: Content | None,
    ) -> Outcome:
        """Hand something to the host, as a user, and report what comes of it."""
        channel = self._open(become)
        self._reporter.begin(label)
        answer: Future[Result] = Future()

        def end(done: Future[Result]) -> None:
            """Pass an answer on; runs in the channel's reading thread."""
            error = done.exception()
            if error is not None:
                answer.set_exception(error)
            else:
                self._end(label, done.result(), manner)
                answer.set_result(done.result())

        self._send(channel, declaration, manner, label, content).add_done_callback(end)
        planned = bool(manner.check) and isinstance(declaration, Resource)
        self._last = Outcome(label, answer, channel.flush, manner.notify, planned)
        return self._last

    def attempt(
        self,
        become: str | None,
        declaration: Declaration,
        manner: Manner,
        label: str,
        content: Content | None,
    ) -> Result:
        """Carry something out and wait; leave it to the caller to report what came of it."""
        self.refuse_after_failure()
        channel = self._open(become)
        future = self._send(channel, declaration, manner, label, content)
        channel.flush()
        self.wait()
        self.refuse_after_failure()
        self._reporter.announce(label)
        return future.result()

    def wait(self) -> None:
        """Wait for everything that was handed over; answers come in order."""
        if self._last is not None:
            self._last.wait()

    def refuse_after_failure(self) -> None:
        """Raise a ``HostFailedError`` once something has failed that counts."""
        if self.has_failed:
            raise HostFailedError(self._failure)

    def count_failure(self, label: str, result: Result, manner: Manner) -> None:
        """Take note of a result that ends the stream."""
        if result.status in FATAL and not manner.ignore_errors and not self.has_failed:
            self._failure = f"{label}: {manner.shown(result).message}"
            self.has_failed = True

    def _open(self, become: str | None) -> AgentChannel:
        """Return the channel of a user; a change of user waits for what came before."""
        channel = self._open_channel(become)
        if self._channel is not None and self._channel is not channel:
            self.wait()
            self.refuse_after_failure()
        self._channel = channel
        if self._handlers.listen(channel):
            self._begin()
        return channel

    def _send(
        self,
        channel: AgentChannel,
        declaration: Declaration,
        manner: Manner,
        label: str,
        content: Content | None,
    ) -> Future[Result]:
        def listen(event: Mapping[str, Any]) -> None:
            if not manner.no_log:
                self._reporter.progress(label, event)

        look_once = bool(manner.check) and waits(declaration)
        keys = () if manner.check else tuple(map(self._handlers.key, manner.notify))
        raw = channel.submit(
            looked_at_once(declaration) if look_once else declaration,
            check=bool(manner.check),
            keep_going=manner.ignore_errors or look_once,
            notify=keys,
            environment=manner.environment,
            content=content,
            on_event=listen,
        )
        if keys:
            raw.add_done_callback(lambda done: self._handlers.note(channel, keys, done))
        return mapped(raw, not_yet) if look_once else raw

    def _end(self, label: str, result: Result, manner: Manner) -> None:
        self.count_failure(label, result, manner)
        self._reporter.end(label, manner.shown(result), ignored=manner.ignore_errors)
