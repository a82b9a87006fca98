"""Every resource on a real host: planned, applied, nothing left to do, drifted, repaired.

Each ``*.yaml`` beside this file holds a list of:

    name: what it shows
    given: a shell command that prepares the host
    resource: {kind: Copy, fields: {…}}
    content: the text to send when the host asks for it
    drift: a shell command that changes the host by hand
    drifted: [the properties that then differ, and no others]
    or  failure: part of the message or the log; nothing is applied
"""

from __future__ import annotations

from concurrent.futures import Future
from pathlib import Path
from typing import Any

import pytest
import yaml

from provision.agent.resources import load
from provision.transport.channel import AgentChannel
from provision.transport.result import Result

pytestmark = pytest.mark.integration

FILES = sorted(Path(__file__).parent.glob("*.yaml"))
CASES = [case for file in FILES for case in yaml.safe_load(file.read_text(encoding="utf-8"))]
TIMEOUT = 60  # seconds for one resource


@pytest.fixture(scope="module")
def agent(agent_on_host: Any) -> AgentChannel:
    channel: AgentChannel = agent_on_host()
    return channel


class Host:
    """What a case does to the host."""

    def __init__(self, agent: AgentChannel, case: dict[str, Any]) -> None:
        self.agent = agent
        self.resource = load(case["resource"]["kind"])(**case["resource"]["fields"])
        self.content = case.get("content", "").encode()

    def submit(self, *, check: bool = False) -> Future[Result]:
        return self.agent.submit(
            self.resource, check=check, keep_going=True, content=self.content or None
        )

    def shell(self, command: str | None) -> Result:
        run = load("Command")(shell=command or "true")
        return self.wait(self.agent.submit(run, keep_going=True))

    def wait(self, future: Future[Result]) -> Result:
        self.agent.flush()
        return future.result(TIMEOUT)


@pytest.mark.parametrize("case", CASES, ids=lambda case: str(case["name"]))
def test_resource(agent: AgentChannel, case: dict[str, Any]) -> None:
    host = Host(agent, case)
    given = host.shell(case.get("given"))
    assert given.status == "changed", given
    if "failure" in case:
        result = host.wait(host.submit())
        assert result.status == "failed"
        assert case["failure"] in "\n".join((result.message, *result.log))
        return
    check_converges(host, set(host.wait(host.submit(check=True)).changes))
    drift = host.shell(case["drift"])
    assert drift.status == "changed", drift
    check_converges(host, set(case["drifted"]))


def check_converges(host: Host, expected: set[str]) -> None:
    """Plan, apply twice: the plan is what is applied, and the second time there is nothing."""
    futures = [host.submit(check=True), host.submit(), host.submit(), host.submit(check=True)]
    planned, applied, *again = [host.wait(future) for future in futures]
    assert (applied.status, applied.message) == ("changed", "")
    assert (planned.status, planned.changes) == ("changed", applied.changes)
    assert set(applied.changes) == expected
    assert [result.status for result in again] == ["ok", "ok"], again
