"""The command line that starts an agent, run by the shells and Pythons of this machine."""

from __future__ import annotations

import json
import shlex
import shutil
import subprocess
import sys
from itertools import product
from pathlib import Path

import pytest

from provision.transport.launch import STARTED, agent_command, first_bytes

EVERY = [
    agent_command(become=become, password=password, install_python=install)
    for become, password, install in product((None, "root"), (False, True), (False, True))
]


@pytest.mark.parametrize("command", EVERY)
def test_is_shell(command: str) -> None:
    words = shlex.split(command)
    for text in (command, words[words.index("-c") + 1]):
        done = subprocess.run(["sh", "-n"], input=text, text=True, check=False, capture_output=True)
        assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("command", EVERY)
def test_every_login_shell_reads_the_same(command: str) -> None:
    r"""Between single quotes fish takes \ and ' for special, and csh ! and the end of a line."""
    assert not set("\\\n!") & set(command)
    assert not [word for word in shlex.split(command) if "'" in word]


def test_sudo_never_waits_for_a_terminal() -> None:
    without = shlex.split(agent_command(become="root", password=False, install_python=False))
    assert without[1:6] == ["sudo", "-H", "-n", "-u", "root"]
    with_password = shlex.split(agent_command(become="a b", password=True, install_python=False))
    assert with_password[1:4] == ["sudo", "-H", "-S"]
    assert with_password[6:8] == ["-u", "a b"]


def start(path: Path, *, install: bool, shell: str = "/bin/sh") -> list[dict[str, str]]:
    """Run the command with ``path`` for $PATH and our input; return the events that it prints."""
    done = subprocess.run(
        [shell, "-c", agent_command(become=None, password=False, install_python=install)],
        input=first_bytes() + b'{"op":"end"}\n',
        capture_output=True,
        check=True,
        env={"PATH": str(path)},
    )
    events = [json.loads(line) for line in done.stdout.splitlines()]
    assert events[0] == json.loads(STARTED)
    return events[1:]


def put(path: Path, name: str, script: str) -> None:
    path.joinpath(name).write_text(f"#!/bin/sh\n{script}\n")
    path.joinpath(name).chmod(0o755)


@pytest.mark.parametrize("shell", ["sh", "bash", "dash", "fish", "tcsh", "zsh", "ksh", "busybox"])
def test_shells(shell: str, tmp_path: Path) -> None:
    found = shutil.which(shell)
    if found is None:
        pytest.skip(f"{shell} is not installed")
    if shell == "busybox":
        put(tmp_path, "busysh", f'exec {found} sh "$@"')
        found = str(tmp_path / "busysh")
    put(tmp_path, "python3", f'exec {sys.executable} "$@"')
    ready, ended = start(tmp_path, install=False, shell=found)
    assert (ready["event"], ended["event"]) == ("ready", "ended")


def test_python_missing(tmp_path: Path) -> None:
    (fatal,) = start(tmp_path, install=False)
    assert fatal["event"] == "fatal"
    assert fatal["message"] == "there is no python3 on the host"
    assert "without --check" in fatal["hint"]


def test_python_that_cannot_be_installed(tmp_path: Path) -> None:
    put(tmp_path, "apt-get", "echo installing; exit 100")
    installing, fatal = start(tmp_path, install=True)
    assert installing["event"] == "bootstrap"
    assert (fatal["event"], fatal["message"]) == ("fatal", "python3 could not be installed")


@pytest.mark.parametrize("manager", ["apt-get", "dnf", "yum"])
def test_python_installed(manager: str, tmp_path: Path) -> None:
    ready = tmp_path / "ready"
    put(tmp_path, "ready", f'exec {sys.executable} "$@"')
    put(
        tmp_path,
        manager,
        f'case "$*" in *install*) {shutil.which("cp")} {ready} "${{0%/*}}/python3";; esac',
    )
    events = [event["event"] for event in start(tmp_path, install=True)]
    assert events == ["bootstrap", "ready", "ended"]


def test_python_too_old(tmp_path: Path) -> None:
    """A Python that says it is 3.6; it never gets to see what only newer ones understand."""
    script = (
        f"exec {sys.executable} -c 'import sys\n"
        "arguments = sys.argv[1:]\n"
        'code = arguments[arguments.index("-c") + 1]\n'
        'sys.argv = ["-c"] + arguments[arguments.index("-c") + 2:]\n'
        "sys.version_info = (3, 6, 8)\n"
        'exec(code)\' "$@"'
    )
    put(tmp_path, "python3", script)
    (fatal,) = start(tmp_path, install=True)
    assert fatal["message"] == "its python3 is version 3.6; 3.8 or newer is needed"
