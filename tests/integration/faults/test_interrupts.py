"""Ctrl-C, SIGTERM and a closed terminal: over within seconds, with nothing left half done."""

from __future__ import annotations

import signal
import time

import pytest

from tests.integration.commandline import Project

from .conftest import OnHost
from .terminal import Terminal

pytestmark = pytest.mark.integration

LONG = """
- hosts: h1,h2
  tasks:
    - name: first
      copy: {dest: /tmp/interrupted, content: x}
    - name: long
      command: sleep 4711
    - name: never
      copy: {dest: /tmp/never, content: x}
"""
# dpkg at work on a package whose own script takes a while
PACKAGE = r"""
set -e
rm -rf /tmp/slow; mkdir -p /tmp/slow/DEBIAN
printf 'Package: slow-package\nVersion: 1\nArchitecture: all\nMaintainer: nobody <n@example.com>\nDescription: slow\n' > /tmp/slow/DEBIAN/control
printf '#!/bin/sh\ntouch /tmp/configuring; sleep 4; rm /tmp/configuring\n' > /tmp/slow/DEBIAN/postinst
chmod 755 /tmp/slow/DEBIAN/postinst
dpkg-deb -b /tmp/slow /tmp/slow.deb
"""


def _terminal(project: Project, play: str, *arguments: str) -> Terminal:
    project.write("play.yml", play)
    argv = project.argv("play", "play.yml", *arguments)
    return Terminal(argv, project.directory, project.environment)


def _sleeping(on_host: OnHost, host: str) -> bool:
    return bool(on_host(host, "pgrep -fx 'sleep 4711'", may_fail=True))


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_interrupted(project: Project, on_host: OnHost, number: signal.Signals) -> None:
    """The remote program is ended, the rest is not begun, and the recap is printed."""
    with _terminal(project, LONG) as terminal:
        terminal.until(lambda: all(_sleeping(on_host, it) for it in ("h1", "h2")), "no sleep")
        terminal.until(lambda: "sleep" in terminal.shown or "long" in terminal.shown, "no view")
        terminal.signal(number)
        assert terminal.wait(10) == 130
        assert terminal.is_restored()
        assert "interrupted" in terminal.shown
        assert "everything has ended" in terminal.shown
        for host in ("h1", "h2"):
            assert f"long on {host}: interrupted" in terminal.shown
            assert f"\n{host} " in terminal.shown.rpartition("unreachable")[2]  # the recap
    for host in ("h1", "h2"):
        assert not _sleeping(on_host, host)
        assert on_host(host, "ls /tmp/never 2>&1 || true").startswith("ls: cannot access")
    again = project.play(LONG.replace("sleep 4711", "sleep 0"))
    assert again.code == 0, again.shown
    for host in ("h1", "h2"):
        on_host(host, "rm /tmp/never /tmp/interrupted")


def test_interrupted_without_a_terminal(project: Project, on_host: OnHost) -> None:
    """In CI: plain lines, and the same end."""
    with _terminal(project, LONG) as terminal:
        terminal.until(lambda: _sleeping(on_host, "h1") and _sleeping(on_host, "h2"), "no sleep")
    # the terminal is gone without a word: the hosts finish what they are at, and begin no more
    on_host("h1", "pkill -x sleep")
    on_host("h2", "pkill -x sleep")
    time.sleep(1)
    assert on_host("h1", "ls /tmp/never 2>&1 || true").startswith("ls: cannot access")


def test_a_package_is_finished(project: Project, on_host: OnHost) -> None:
    """Half a package is worse than a whole one: apt ends, then the run does."""
    on_host("h1", PACKAGE)
    play = """
- hosts: h1
  become: true
  tasks:
    - name: slow
      apt: {deb: /tmp/slow.deb}
    - name: never
      copy: {dest: /tmp/never, content: x}
"""
    with _terminal(project, play) as terminal:
        terminal.until(
            lambda: on_host("h1", "ls /tmp/configuring 2>&1 || true") == "/tmp/configuring\n",
            "no dpkg",
        )
        terminal.signal(signal.SIGINT)
        assert terminal.wait(30) == 130
        assert terminal.is_restored()
        assert "everything has ended" in terminal.shown
    assert on_host("h1", "dpkg-query -W -f '${Status}' slow-package") == "install ok installed"
    assert on_host("h1", "ls /tmp/never 2>&1 || true").startswith("ls: cannot access")
    on_host("h1", "dpkg --purge slow-package")


def test_second_ctrl_c_leaves_at_once(project: Project, on_host: OnHost) -> None:
    """What must not be interrupted goes on by itself on the host."""
    on_host("h1", PACKAGE.replace("sleep 4", "sleep 8"))
    play = "- hosts: h1\n  become: true\n  tasks:\n    - apt: {deb: /tmp/slow.deb}\n"
    with _terminal(project, play) as terminal:
        terminal.until(
            lambda: on_host("h1", "ls /tmp/configuring 2>&1 || true") == "/tmp/configuring\n",
            "no dpkg",
        )
        terminal.signal(signal.SIGINT)
        terminal.until(lambda: "stopping" in terminal.shown, "not stopping")
        started = time.monotonic()
        terminal.signal(signal.SIGINT)
        assert terminal.wait(5) == 130
        assert time.monotonic() - started < 4
        assert terminal.is_restored()
    deadline = time.monotonic() + 30
    while on_host("h1", "dpkg-query -W -f '${Status}' slow-package") != "install ok installed":
        assert time.monotonic() < deadline
        time.sleep(0.5)
    on_host("h1", "dpkg --purge slow-package")


def test_interrupted_while_connecting(project: Project) -> None:
    """A host that does not answer keeps nobody waiting."""
    project.add_hosts(
        {"silent": {"ansible_host": "192.0.2.1", "ansible_port": 22, "ansible_timeout": 300}}
    )
    play = "- hosts: silent\n  tasks:\n    - ping:\n"
    with _terminal(project, play) as terminal:
        time.sleep(3)
        terminal.signal(signal.SIGINT)
        assert terminal.wait(8) == 130
        assert terminal.is_restored()
