"""Ctrl-C, SIGTERM and a closed terminal: over within seconds, with nothing left half done."""

from __future__ import annotations

import signal
import time

import pytest

from tests.integration.commandline import Project, recap_of

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
# A package that is not gone before somebody removes the file /tmp/removing.
PACKAGE = """
set -e
mkdir -p /tmp/slow/DEBIAN
cat > /tmp/slow/DEBIAN/control <<'END'
Package: slow-package
Version: 1
Architecture: all
Maintainer: nobody <nobody@example.com>
Description: slow
END
cat > /tmp/slow/DEBIAN/prerm <<END
#!/bin/sh
touch /tmp/removing; while [ -e /tmp/removing ]; do sleep 0.1; done
END
chmod 755 /tmp/slow/DEBIAN/prerm
dpkg-deb -b /tmp/slow /tmp/slow.deb
dpkg -i /tmp/slow.deb
"""
REMOVE = """
- hosts: h1
  become: true
  tasks:
    - name: slow
      apt: {name: slow-package, state: absent}
    - name: never
      copy: {dest: /tmp/never, content: x}
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
        assert recap_of(terminal.shown).keys() == {"h1", "h2"}
    for host in ("h1", "h2"):
        assert not _sleeping(on_host, host)
        assert _is_absent(on_host, "/tmp/never", host)
    again = project.play(LONG.replace("sleep 4711", "sleep 0"))
    assert again.code == 0, again.shown
    for host in ("h1", "h2"):
        on_host(host, "rm /tmp/never /tmp/interrupted")


def test_killed(project: Project, on_host: OnHost) -> None:
    """Hosts that are left without a word finish what they are at, and begin nothing else."""
    with _terminal(project, LONG) as terminal:
        terminal.until(lambda: _sleeping(on_host, "h1") and _sleeping(on_host, "h2"), "no sleep")
        terminal.signal(signal.SIGKILL)
    for host in ("h1", "h2"):
        on_host(host, "pkill -x sleep")
    time.sleep(1)
    for host in ("h1", "h2"):
        assert _is_absent(on_host, "/tmp/never", host)
        assert "python3" not in on_host(host, "pgrep -af stream.readline", may_fail=True)


def test_a_package_is_finished(project: Project, on_host: OnHost) -> None:
    """Half a package is worse than a whole one: apt ends, then the run does."""
    on_host("h1", PACKAGE)
    with _terminal(project, REMOVE) as terminal:
        terminal.until(lambda: not _is_absent(on_host, "/tmp/removing"), "no dpkg")
        terminal.signal(signal.SIGINT)
        terminal.until(lambda: "stopping" in terminal.shown, "not stopping")
        assert _is_installed(on_host)
        on_host("h1", "rm /tmp/removing")
        assert terminal.wait(10) == 130
        assert terminal.is_restored()
        assert "everything has ended" in terminal.shown
    assert not _is_installed(on_host)
    assert _is_absent(on_host, "/tmp/never")


def test_second_ctrl_c_leaves_at_once(project: Project, on_host: OnHost) -> None:
    """What must not be interrupted goes on by itself on the host."""
    on_host("h1", PACKAGE)
    with _terminal(project, REMOVE) as terminal:
        terminal.until(lambda: not _is_absent(on_host, "/tmp/removing"), "no dpkg")
        terminal.signal(signal.SIGINT)
        terminal.until(lambda: "stopping" in terminal.shown, "not stopping")
        terminal.signal(signal.SIGINT)
        assert terminal.wait(10) == 130
        assert terminal.is_restored()
    assert _is_installed(on_host)
    on_host("h1", "rm /tmp/removing")
    deadline = time.monotonic() + 30
    while _is_installed(on_host):
        assert time.monotonic() < deadline
        time.sleep(0.5)
    assert _is_absent(on_host, "/tmp/never")


def _is_absent(on_host: OnHost, path: str, host: str = "h1") -> bool:
    return on_host(host, f"test -e {path} || echo absent") == "absent\n"


def _is_installed(on_host: OnHost) -> bool:
    return bool(on_host("h1", "dpkg-query -W slow-package", may_fail=True))


def test_interrupted_while_connecting(project: Project, silent_port: int) -> None:
    """A host that does not answer keeps nobody waiting."""
    silent = {"ansible_host": "127.0.0.1", "ansible_port": silent_port, "ansible_timeout": 300}
    project.add_hosts({"silent": silent})
    play = "- hosts: silent\n  tasks:\n    - ping:\n"
    with _terminal(project, play) as terminal:
        time.sleep(3)
        terminal.signal(signal.SIGINT)
        assert terminal.wait(8) == 130
        assert terminal.is_restored()
