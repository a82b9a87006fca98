"""Finding a host again: what counts as being back, and what is said when it is not."""

from __future__ import annotations

from concurrent.futures import Future
from typing import Any, cast

import pytest

from provision.agent.declaration import Declaration
from provision.errors import UnreachableError
from provision.tasks.line import await_another_boot, said_last
from provision.transport.channel import AgentChannel
from provision.transport.result import Result


class Channel:
    def __init__(self, answer: str | Exception) -> None:
        self.answer = answer

    def submit(self, declaration: Declaration, **_: Any) -> Future[Result]:
        future: Future[Result] = Future()
        if isinstance(self.answer, Exception):
            future.set_exception(self.answer)
        elif self.answer:
            future.set_result(Result("ok", data={"boot": self.answer}))
        return future

    def flush(self) -> None:
        pass


class Line:
    """A host that answers one after the other: a boot id, an error, or "" for nothing at all."""

    is_local = False

    def __init__(self, *answers: str | Exception) -> None:
        self.answers = list(answers)
        self.opened = 0

    def channel(self, become: str | None) -> AgentChannel:
        return cast(AgentChannel, Channel(self.answers[min(self.opened, len(self.answers)) - 1]))

    def reopen(self) -> None:
        self.opened += 1

    def pause(self, seconds: float) -> None:
        pass

    def opened(self, host: object) -> None:
        pass


AWAY = UnreachableError("host h1: connection refused")


def test_only_another_boot_counts() -> None:
    line = Line("old", AWAY, "old", AWAY, "new")
    told: list[float] = []
    await_another_boot(line, "root", "old", "h1", 60, told.append)
    assert line.opened == 5
    assert len(told) == 4


@pytest.mark.parametrize(
    ("answer", "reason"),
    [("old", "it is still on the boot that it was to leave"), (AWAY, "connection refused")],
)
def test_what_was_seen_last_is_said(answer: str | Exception, reason: str) -> None:
    with pytest.raises(UnreachableError, match=f"host h1: not back 0 s .*{reason}") as caught:
        await_another_boot(Line(answer), "root", "old", "h1", 0, lambda passed: None)
    assert "goes on from there" in str(caught.value.hint)


@pytest.mark.parametrize("answer", [AWAY, ""])
def test_a_connection_that_ends_is_no_failure(answer: str | Exception) -> None:
    assert said_last(Line(answer), "root", Declaration(), 0.01).status == "changed"
