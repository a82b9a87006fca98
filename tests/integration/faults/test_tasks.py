"""Tasks that cannot be done: why, what was left as it was, and that the other hosts go on."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from provision.lab.lab import Lab
from provision.lab.variant import Variant
from tests.integration.commandline import Project

from .conftest import OnHost

pytestmark = pytest.mark.integration

TWO_HOSTS = ("--limit", "h1,h2")
LOCK = (
    "import fcntl, time; f = open('/var/lib/dpkg/lock-frontend', 'w');"
    "fcntl.lockf(f, fcntl.LOCK_EX); time.sleep({})"
)


# -- python3 -----------------------------------------------------------------------------------


def test_host_without_python(project: Project, lab: Lab, on_host: OnHost) -> None:
    """A plan says so and changes nothing; a run installs it and goes on."""
    lab.reset("h3", variant=Variant.NO_PYTHON)
    play = "- hosts: all\n  tasks:\n    - copy: {dest: /tmp/py, content: x}\n"
    plan = project.play(play, "--check", "--limit", "h2,h3")
    assert plan.code == 4, plan.shown
    assert "host h3: there is no python3 on the host" in plan.out
    assert "a run without --check installs it" in plan.out
    assert on_host("h3", "command -v python3 || echo none") == "none\n"
    done = project.play(play, "--limit", "h2,h3")
    assert done.code == 0, done.shown
    assert on_host("h3", "cat /tmp/py; command -v python3") == "x/usr/bin/python3\n"
    lab.reset("h3")


# -- files -------------------------------------------------------------------------------------


@pytest.fixture
def small_disk(on_host: OnHost) -> Iterator[str]:
    """A directory of h1 with room for 64 KiB, and an old file on it; an ordinary one on h2."""
    on_host("h2", "mkdir -p /mnt/small")
    script = "mkdir -p /mnt/small && mount -t tmpfs -o size=64k tmpfs /mnt/small"
    on_host("h1", f"{script} && printf old > /mnt/small/file && chmod 640 /mnt/small/file")
    yield "/mnt/small"
    on_host("h1", "umount /mnt/small")
    on_host("h2", "rm -r /mnt/small")


@pytest.mark.parametrize("size", [60_000, 200_000], ids=["inline", "streamed"])
def test_disk_full(project: Project, small_disk: str, on_host: OnHost, size: int) -> None:
    """The old file stays as it was, and nothing is left beside it."""
    project.write("big", "x" * (size - 1) + "\n")
    on_host("h1", f"head -c 8000 /dev/zero > {small_disk}/other")
    before = on_host("h1", f"ls -lA {small_disk}; cat {small_disk}/file")
    ended = project.play(
        f"""
- hosts: all
  tasks:
    - name: write
      copy: {{src: big, dest: {small_disk}/file, mode: "0600"}}
    - name: after
      copy: {{dest: /tmp/after-{size}, content: x}}
""",
        *TWO_HOSTS,
    )
    assert ended.code == 3, ended.shown
    assert "FAILED  all: write on h1: " in ended.out
    assert f"{small_disk}/file" in ended.out
    assert "No space left on device" in ended.out
    assert ended.recap()["h1"]["failed"] == 1
    assert ended.recap()["h2"]["changed"] == 2
    assert on_host("h1", f"ls -lA {small_disk}; cat {small_disk}/file") == before
    assert on_host("h1", f"test -e /tmp/after-{size} || echo absent") == "absent\n"
    assert on_host("h2", f"stat -c %s {small_disk}/file; cat /tmp/after-{size}") == f"{size}\nx"


def test_undefined_variable_in_a_template(project: Project, on_host: OnHost) -> None:
    """The error names the template's file and line; a host that has the variable goes on."""
    project.write("templates/app.conf.j2", "one\ntwo\nlevel = {{ log_levle }}\n")
    project.write("host_vars/h2.yml", "log_levle: debug\n")
    ended = project.play(
        """
- hosts: all
  vars: {log_level: info}
  tasks:
    - name: config
      template: {src: app.conf.j2, dest: /tmp/app.conf}
""",
        *TWO_HOSTS,
    )
    assert ended.code == 3, ended.shown
    assert "FAILED  all: config on h1: " in ended.out
    assert "templates/app.conf.j2:3:12: the variable 'log_levle' is not defined" in ended.out
    assert "did you mean 'log_level'?" in ended.out
    assert on_host("h1", "test -e /tmp/app.conf || echo absent") == "absent\n"
    assert on_host("h2", "cat /tmp/app.conf") == "one\ntwo\nlevel = debug\n"


# -- packages ----------------------------------------------------------------------------------


def test_package_that_does_not_exist(project: Project) -> None:
    ended = project.play(
        """
- hosts: all
  become: true
  tasks:
    - name: install
      apt: {name: "{{ 'no-such-package' if inventory_hostname == 'h1' else 'bash' }}"}
    - name: after
      command: "true"
""",
        *TWO_HOSTS,
    )
    assert ended.code == 3, ended.shown
    said = "FAILED  all: install on h1: there is no package no-such-package in this host's package"
    assert said in ended.out
    assert "it may also need another repository" in ended.out
    assert ended.recap()["h1"]["failed"] == 1
    assert ended.recap()["h2"]["failed"] == 0
    assert ended.recap()["h2"]["changed"] == 1


def test_package_lock_that_is_held_for_too_long(project: Project, lab: Lab) -> None:
    """The failure names the holder, after ``lock_timeout`` and not before."""
    project.play("- hosts: h1\n  become: true\n  tasks:\n    - apt: {update_cache: true}\n")
    holder = _hold_lock(lab, 120)
    ended = project.play(
        """
- hosts: all
  become: true
  tasks:
    - name: install
      apt: {name: "{{ 'hello' if inventory_hostname == 'h1' else 'bash' }}", lock_timeout: 4}
""",
        *TWO_HOSTS,
        "--json",
    )
    lab.exec("h1", ["pkill", "-f", "lock-frontend"])
    holder.join()
    assert ended.code == 3, ended.shown
    (failed,) = (event for event in ended.events("task_finished") if event["status"] == "failed")
    assert failed["host"] == "h1"
    assert failed["message"] == "another package manager is at work on this host"
    assert failed["expected"] == "the lock /var/lib/dpkg/lock-frontend to be free"
    assert "(python3)" in failed["found"]
    assert "raise `lock_timeout`" in failed["hint"]
    assert 4 <= failed["seconds"] < 30


def test_package_lock_that_becomes_free(project: Project, lab: Lab, on_host: OnHost) -> None:
    holder = _hold_lock(lab, 5)
    play = "- hosts: h1\n  become: true\n  tasks:\n    - apt: {name: hello, lock_timeout: 120}\n"
    ended = project.play(play)
    holder.join()
    assert ended.code == 0, ended.shown
    assert on_host("h1", "hello").strip() == "Hello, world!"


def _hold_lock(lab: Lab, seconds: int) -> threading.Thread:
    argv = ["python3", "-c", LOCK.format(seconds)]
    thread = threading.Thread(target=lab.exec, args=("h1", argv), kwargs={"timeout": 180.0})
    thread.start()
    wait = "until lslocks | grep -q lock-frontend; do sleep 0.1; done"
    done = lab.exec("h1", ["timeout", "20", "sh", "-c", wait])
    assert done.returncode == 0, done.stderr
    return thread
