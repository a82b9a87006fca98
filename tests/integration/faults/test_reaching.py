"""Hosts that cannot be reached: each is told with its reason, and the others go on."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from provision.lab.lab import Lab
from provision.lab.variant import SUDO_PASSWORD, Variant
from tests.integration.commandline import Project

from .conftest import OnHost

pytestmark = pytest.mark.integration

PLAY = """
- hosts: all
  tasks:
    - name: mark
      copy: {dest: /tmp/reached, content: "yes\\n"}
      become: true
"""
REASONS = {
    "refused": ("connection refused", "is sshd running"),
    "silent": ("no answer in time", "does a firewall drop the port?"),
    "nameless": ("the name no-such-host.invalid does not resolve", "check ansible_host"),
    "wrong-key": (
        "login as ops refused; tried: key",
        "check the user (ansible_user), and its authorized_keys",
    ),
    "changed-key": ("host key", "has changed", "ssh-keygen -f"),
    "unknown-key": ("is not known", "--accept-new-host-keys"),
    "wrong-sudo": ("sudo refused the password", "check ansible_become_password"),
    "no-sudo": ("sudo asks for a password, and there is none", "give --ask-become-pass"),
}


@pytest.fixture
def unfriendly(project: Project, lab: Lab, silent_port: int) -> Project:
    """The lab's two good hosts, and one host for every reason."""
    lab.reset("h3", variant=Variant.SUDO_PASSWORD)
    for name in ("stranger", "other"):
        path = project.directory / name
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", path], check=True)
    h1, h3 = lab.host("h1"), lab.host("h3")
    here = {"ansible_host": "127.0.0.1"}
    good, locked = {**here, "ansible_port": h1.port}, {**here, "ansible_port": h3.port}
    project.add_hosts(
        {
            "refused": {**here, "ansible_port": 1},
            "silent": {**here, "ansible_port": silent_port, "ansible_timeout": 2},
            "nameless": {"ansible_host": "no-such-host.invalid"},
            "wrong-key": {
                **good,
                "ansible_ssh_private_key_file": str(project.directory / "stranger"),
            },
            "changed-key": {**good, **_known(project, h1.port, "other.pub")},
            "unknown-key": {**good, **_known(project, h1.port, None)},
            "wrong-sudo": {**locked, "ansible_become_password": "not it"},
            "no-sudo": locked,
            "h3": {"ansible_become_password": SUDO_PASSWORD},
        }
    )
    return project


def _known(project: Project, port: int, key: str | None) -> dict[str, str]:
    name = f"known-{key}"
    text = f"[127.0.0.1]:{port} {Path(project.directory / key).read_text()}" if key else ""
    path = project.write(name, text)
    option = f"-o 'UserKnownHostsFile=\"{path}\"'"
    return {"provision_known_hosts": str(path), "ansible_ssh_common_args": option}


def test_every_reason_at_once(unfriendly: Project, lab: Lab, on_host: OnHost) -> None:
    """One run tells them all; the good hosts are done, also the one with a sudo password."""
    ended = unfriendly.play(PLAY)
    assert ended.code == 4, ended.shown
    recap = ended.recap()
    for name, words in REASONS.items():
        said = ended.out.partition(f"UNREACHABLE  {name}: ")[2].partition("UNREACHABLE")[0]
        assert f"host {name}: " in said, ended.out
        for word in words:
            assert word in said
        assert recap[name]["unreachable"] == 1
        assert recap[name]["changed"] == recap[name]["failed"] == 0
    for name in ("h1", "h2", "h3"):
        assert recap[name]["unreachable"] == 0
        assert on_host(name, "cat /tmp/reached") == "yes\n"
    for secret in (SUDO_PASSWORD, "not it"):
        assert secret not in ended.shown
    lab.reset("h3")


def test_passwords_typed_in(project: Project, lab: Lab) -> None:
    lab.reset("h3", variant=Variant.SUDO_PASSWORD)
    project.write("play.yml", PLAY)
    command = ("play", "play.yml", "--limit", "h3", "--ask-become-pass")
    right = project.run(*command, typed=f"{SUDO_PASSWORD}\n")
    assert right.code == 0, right.shown
    wrong = project.run(*command, typed="not it\n")
    assert wrong.code == 4
    assert "sudo refused the password" in wrong.out
    lab.reset("h3")


def test_deploy_touches_nothing_while_a_host_is_missing(project: Project, on_host: OnHost) -> None:
    """Preflight looks at all hosts, and ends the deploy before the first change."""
    project.add_hosts({"refused": {"ansible_host": "127.0.0.1", "ansible_port": 1}})
    ended = project.run("deploy")
    assert ended.code == 4, ended.shown
    assert "UNREACHABLE  refused: host refused: ops@127.0.0.1:1: connection refused" in ended.out
    assert ended.recap()["h1"]["changed"] == 0
    assert "generals" not in on_host("h1", "ls /opt; getent passwd")
