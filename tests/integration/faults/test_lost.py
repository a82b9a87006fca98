"""Connections that break while a host is at work."""

from __future__ import annotations

import subprocess
import time

import pytest

from tests.integration.commandline import Project

from .conftest import OnHost

pytestmark = pytest.mark.integration

PLAY = """
- hosts: h1,h2
  tasks:
    - name: first
      copy: {dest: /tmp/first, content: x}
    - name: long
      command: sleep {{ 4712 if inventory_hostname == 'h1' else 3 }}
    - name: last
      copy: {dest: /tmp/last, content: x}
"""
KILL = "pkill -KILL -x sshd-session"
DROP = "iptables -I INPUT -p tcp --dport 22 -j DROP; iptables -I OUTPUT -p tcp --sport 22 -j DROP"
RESTORE = "iptables -F INPUT; iptables -F OUTPUT"


@pytest.mark.parametrize(
    ("cut", "restore", "seconds"),
    [(KILL, "true", 20), (DROP, RESTORE, 90)],
    ids=["session-killed", "packets-dropped"],
)
def test_cut(project: Project, on_host: OnHost, cut: str, restore: str, seconds: int) -> None:
    """Exit 4, the other host is done, the recap says so; a rerun brings the lost one there too."""
    project.write("play.yml", PLAY)
    running = subprocess.Popen(
        project.argv("play", "play.yml"),
        cwd=project.directory,
        env=project.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        _wait_for_sleep(on_host)
        on_host("h1", cut)
        started = time.monotonic()
        out, _ = running.communicate(timeout=seconds)
    finally:
        running.kill()
        on_host("h1", restore)
    assert time.monotonic() - started < seconds
    assert running.returncode == 4, out
    assert "UNREACHABLE  h1: host h1: the connection was lost during" in out
    assert "run it again" in out
    assert on_host("h2", "cat /tmp/first /tmp/last; rm /tmp/last") == "xx"
    on_host("h1", "pkill -x sleep")  # it would have been let finish
    time.sleep(1)
    assert on_host("h1", "test -e /tmp/last || echo absent") == "absent\n"
    # Until h1 has noticed that nobody is there, the lost run has its lock.
    again = project.play(PLAY.replace("4712", "0"), "--lock-wait", "120")
    assert again.code == 0, again.shown
    assert again.recap()["h1"]["changed"] == 2, again.shown
    on_host("h1", "rm /tmp/first /tmp/last")
    on_host("h2", "rm /tmp/first /tmp/last")


def _wait_for_sleep(on_host: OnHost) -> None:
    deadline = time.monotonic() + 60
    while not on_host("h1", "pgrep -fx 'sleep 4712'", may_fail=True):
        assert time.monotonic() < deadline
        time.sleep(0.1)
