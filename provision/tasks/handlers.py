"""What a host is to do at the end because something has changed, and has been told to remember."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from concurrent.futures import Future

from provision.agent.resource import Resource
from provision.transport.channel import AgentChannel
from provision.transport.result import Result


class Handlers:
    """The handlers that tasks define on one host, and what each channel's agent has noted of them.

    Attributes:
        play: the name of the one whose handlers are notified: others may have one of the same name.

    """

    def __init__(self) -> None:
        self.play = ""
        self._defined: dict[str, tuple[str | None, tuple[Resource, ...]]] = {}
        self._notified: dict[AgentChannel, set[str]] = {}

    def define(self, name: str, become: str | None, resources: tuple[Resource, ...]) -> None:
        """Define what a notified name does, and as which user."""
        self._defined[name] = (become, resources)

    def defined(self, name: str) -> tuple[str | None, tuple[Resource, ...]]:
        """Return the user that a handler was defined as, and what it does."""
        return self._defined[name]

    def names(self) -> tuple[str, ...]:
        """Return the names that were defined, in their order."""
        return tuple(self._defined)

    def listen(self, channel: AgentChannel) -> bool:
        """Keep account of what this channel's agent notes; tell whether it is a new one."""
        is_new = channel not in self._notified
        self._notified.setdefault(channel, set())
        return is_new

    def key(self, name: str) -> str:
        """Return what the host knows a handler by."""
        return f"{self.play}: {name}"

    def note(self, channel: AgentChannel, keys: Sequence[str], done: Future[Result]) -> None:
        """Take note of what the host has written down, which is before every change."""
        if done.exception() is None and done.result().status not in {"ok", "not_run"}:
            self._notified[channel].update(keys)

    def pending(self) -> frozenset[str]:
        """Return what an earlier run of the play has notified on this host and not carried out."""
        prefix = self.key("")
        keys = [key for channel in self._notified for key in channel.pending]
        return frozenset(key.removeprefix(prefix) for key in keys if key.startswith(prefix))

    def handled(self, names: Iterable[str]) -> None:
        """Let the host forget what was notified in this run, and the given names."""
        told = {self.key(name) for name in names}
        for channel, notified in self._notified.items():
            done = notified | (told & channel.pending)
            if done:
                channel.handled(done)
            notified.clear()
