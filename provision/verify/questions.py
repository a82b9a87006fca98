"""What suites want to know of a host, asked in one message before the first check runs."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from provision.agent.resources.survey import Survey

if TYPE_CHECKING:
    from provision.verify.node import Node

Asking = Callable[["Node"], "Questions"]
"""A suite's function ``questions(node)``: what it wants to know of that host."""


@dataclass(frozen=True)
class Questions:
    """Questions of one suite, or of all of them together.

    Args:
        commands: shell commands that change nothing; ``host.run`` of exactly the same text is then
            answered from here.
        containers: whether containers are looked at.
        grpc: ``host:port`` of servers that this host must find healthy.
        urls: that it must be able to GET.
        timeout: seconds for each of them; the longest that any suite asks for counts.

    """

    commands: tuple[str, ...] = ()
    containers: bool = False
    grpc: tuple[str, ...] = ()
    urls: tuple[str, ...] = ()
    timeout: float = 10

    @staticmethod
    def together(parts: Iterable[Questions]) -> Questions:
        """Return all questions, each once."""
        asked = list(parts)
        return Questions(
            commands=tuple(dict.fromkeys(text for part in asked for text in part.commands)),
            containers=any(part.containers for part in asked),
            grpc=tuple(dict.fromkeys(place for part in asked for place in part.grpc)),
            urls=tuple(dict.fromkeys(url for part in asked for url in part.urls)),
            timeout=max((part.timeout for part in asked), default=Questions.timeout),
        )

    def survey(self) -> Survey:
        """Return them as one query."""
        return Survey(
            commands=list(self.commands),
            containers=self.containers,
            grpc=list(self.grpc),
            urls=list(self.urls),
            timeout=self.timeout,
        )
