"""A lab host of the tests' own, and agents on it."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterator

import pytest

from provision.lab.host import LabHost, ssh_command
from provision.transport.channel import AgentChannel
from provision.transport.pipe import LocalPipe
from tests.labs import lab_for

AgentOnHost = Callable[[], AgentChannel]


@pytest.fixture(scope="session")
def bare_host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LabHost]:
    """One freshly made host without the registry; tests may do anything to it."""
    with lab_for("bare", tmp_path_factory) as lab:
        (host,) = lab.up(1, with_images=False)
        yield host


@pytest.fixture(scope="session")
def agent_on_host(bare_host: LabHost) -> Iterator[AgentOnHost]:
    """Start an agent as root on the host, over OpenSSH; all are ended with the tests."""
    started: list[AgentChannel] = []

    def start() -> AgentChannel:
        def open_pipe(command: str) -> LocalPipe:
            return LocalPipe(shlex.join(ssh_command(bare_host, [command])))

        started.append(AgentChannel(bare_host.name, open_pipe, become="root"))
        return started[-1]

    yield start
    for channel in started:
        channel.close()
