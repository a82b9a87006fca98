"""What a run costs a host's sshd: one connection and a few channels, however long the play."""

from __future__ import annotations

import pytest

from tests.integration.commandline import Project

from .conftest import OnHost

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("deployed")]

HOSTS = ("h1", "h2", "h3")
MOST_CHANNELS = 3
TALKATIVE = "echo LogLevel VERBOSE > /etc/ssh/sshd_config.d/talk.conf; systemctl reload ssh"
QUIET = "rm /etc/ssh/sshd_config.d/talk.conf; systemctl reload ssh"


def counts(on_host: OnHost, host: str) -> tuple[int, int]:
    """Return how many logins and how many channels the host's sshd has had so far."""
    log = on_host(host, "journalctl --sync; journalctl --no-pager -o cat -t sshd-session -t sshd")
    return log.count("Accepted publickey for"), log.count("Starting session: ")


def spent(project: Project, on_host: OnHost, *command: str) -> dict[str, tuple[int, int]]:
    """Return the logins and channels of one run, by host."""
    for host in HOSTS:
        on_host(host, TALKATIVE)
    before = {host: counts(on_host, host) for host in HOSTS}
    ended = project.run(*command)
    after = {host: counts(on_host, host) for host in HOSTS}
    for host in HOSTS:
        on_host(host, QUIET)
    assert ended.code == 0, ended.shown
    assert sum(row["changed"] for row in ended.recap().values()) == 0, ended.shown
    return {
        host: (after[host][0] - before[host][0], after[host][1] - before[host][1]) for host in HOSTS
    }


@pytest.mark.parametrize("command", ["deploy", "verify"])
def test_a_run_that_changes_nothing(project: Project, on_host: OnHost, command: str) -> None:
    """Verification, of which a deploy has one at its end, makes dozens of checks a host."""
    for host, (connections, channels) in spent(project, on_host, command).items():
        assert connections == 1, host
        assert 1 <= channels <= MOST_CHANNELS, host


@pytest.mark.parametrize("tasks", [3, 300])
def test_length_of_a_play_costs_nothing(project: Project, on_host: OnHost, tasks: int) -> None:
    """Two users need two channels, for three tasks as for three hundred."""
    entry = "    - file: {{path: /etc, state: directory}}\n      become: {become}\n"
    entries = "".join(
        entry.format(become="true" if number % 3 else "false") for number in range(tasks)
    )
    project.write(
        "play.yml", f"- hosts: all\n  vars: {{ansible_become: null}}\n  tasks:\n{entries}"
    )
    for host, costs in spent(project, on_host, "play", "play.yml").items():
        assert costs == (1, 2), host
