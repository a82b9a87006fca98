"""Images resolved to digests once per run, so that all hosts run the same bytes."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from provision.agent.resource import Query
from provision.agent.resources.image_digests import ImageDigests
from provision.errors import TaskError

Ask = Callable[[Query], Mapping[str, Any]]
Credentials = Mapping[str, Sequence[str]]


class Digests:
    """What the names of images stand for during one run; whoever asks first asks for all."""

    def __init__(self) -> None:
        self._known: dict[str, str] = {}
        self._lock = threading.Lock()

    def know(self, references: Mapping[str, str]) -> None:
        """Take note of what names stand for; nobody is asked about these."""
        with self._lock:
            self._known.update(references)

    def resolve(
        self, names: Iterable[str], ask: Ask, credentials: Credentials | None = None
    ) -> dict[str, str]:
        """Return name -> name with digest.

        Args:
            names: references, those with a digest included.
            ask: puts a query to a host with Docker, and returns its answer.
            credentials: registry -> username and password, for a host that is not logged in yet.

        Raises:
            TaskError: an image does not exist, or no registry answers; it names every such image.

        """
        wanted = sorted(set(names))
        with self._lock:  # the others wait for the first one's answer
            unknown = [name for name in wanted if name not in self._known]
            if unknown:
                answer = ask(ImageDigests(name=unknown, credentials=dict(credentials or {})))
                self._known.update(answer["digests"])
                _refuse(answer)
            return {name: self._known[name] for name in wanted}


class NoDockerError(TaskError):
    """The host that was asked has no Docker yet."""


def _refuse(answer: Mapping[str, Any]) -> None:
    if answer.get("unavailable"):
        raise NoDockerError(answer["unavailable"], hint="run the docker_engine task before")
    problems = list(answer["problems"].values())
    if problems:
        first = problems[0]
        more = [f"; {problem['message']}" for problem in problems[1:]]
        raise TaskError(
            first["message"] + "".join(more) + f" ({first['found']})", hint=first["hint"] or None
        )
