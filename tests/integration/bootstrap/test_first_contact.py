"""From the first login to the one that deploys use, on real machines."""

from __future__ import annotations

import shutil
import subprocess

import pytest
import yaml

from tests.integration.bootstrap.conftest import OURS, PASSWORD, Machine, Person, changes

pytestmark = pytest.mark.integration


def test_root_with_a_password_and_the_door_closed_behind(machine: Machine, person: Person) -> None:
    machine.fresh()
    target = machine.target()

    planned = person.bootstrap(target, "--ask-pass", "--close-password-login", "--check")
    assert planned.code == 2, planned.shown
    assert "log in as deploy   tried when the account is there" in planned.out
    assert "close password login" in planned.out
    assert machine.run("id deploy 2>&1 || true").endswith("no such user\n")
    assert machine.is_as_before()

    done = person.bootstrap(target, "--ask-pass", "--close-password-login")
    assert done.code == 0, done.shown
    assert machine.opens("deploy", key=person.key)
    assert not machine.opens("root", password=PASSWORD)
    assert not machine.opens("root", key=machine.host.key)
    assert "PasswordAuthentication no" in machine.run(f"cat {OURS}")
    assert machine.run("stat -c %a /etc/sudoers.d/95-provision-deploy") == "440\n"

    # Root is shut out by now; the new login is taken instead, and there is nothing to change.
    again = person.bootstrap(target, "--ask-pass", "--close-password-login")
    assert again.code == 0, again.shown
    assert changes(again) == 0
    checked = person.bootstrap(target, "--close-password-login", "--check")
    assert checked.code == 0, checked.shown


def test_a_server_that_has_not_read_its_files_is_told_to(machine: Machine, person: Person) -> None:
    machine.fresh()
    arguments = (machine.target(), "--ask-pass", "--close-password-login")
    assert person.bootstrap(*arguments).code == 0
    # As after a power cut between the writing and the reading: the files say one thing, ...
    machine.run(f"mv {OURS} /tmp/ours; systemctl reload ssh; sleep 0.2; mv /tmp/ours {OURS}")
    assert machine.opens("root", password=PASSWORD)
    done = person.bootstrap(*arguments)
    assert done.code == 0, done.shown
    assert "running sshd offers password -> offers keys alone" in done.out
    assert not machine.opens("root", password=PASSWORD)


def test_a_clouds_user_by_a_name_of_ssh_config(machine: Machine, person: Person) -> None:
    machine.fresh("echo 'ops ALL=(ALL:ALL) ALL' > /etc/sudoers.d/ops; echo ops:typed | chpasswd")
    try:
        shutil.copy(machine.host.key, person.home / ".ssh" / "cloud")
        shutil.copy(machine.host.key.with_suffix(".pub"), person.home / ".ssh" / "cloud.pub")
        (person.home / ".ssh" / "config").write_text(
            f"Host gpu\n  HostName 127.0.0.1\n  Port {machine.host.port}\n  User ops\n"
            "  IdentityFile ~/.ssh/cloud\n"
        )
        refused = person.bootstrap("gpu")
        assert refused.code == 4
        assert "sudo asks for a password" in refused.shown
        done = person.bootstrap("gpu", "--ask-become-pass", typed="typed\n")
        assert done.code == 0, done.shown
        assert "  gpu: {ansible_user: deploy}" in done.out
        assert machine.opens("deploy", key=machine.host.key)
        assert not machine.opens("deploy", key=person.key), "a key that nobody asked for"
    finally:
        machine.run("echo 'ops ALL=(ALL:ALL) NOPASSWD: ALL' > /etc/sudoers.d/ops")


def test_a_clouds_key_file_first_and_other_keys_later(machine: Machine, person: Person) -> None:
    machine.fresh()
    pem = person.home / "cloud.pem"
    shutil.copy(machine.host.key, pem)
    done = person.bootstrap(
        machine.target("ops"), "--private-key", "cloud.pem", "--write", "prod.yml"
    )
    assert done.code == 0, done.shown
    assert machine.opens("deploy", key=machine.host.key)
    assert "ansible_ssh_private_key_file: ~/cloud.pem" in (person.home / "prod.yml").read_text()

    # A key that is new to the host is installed by one that it knows.
    public = person.key.with_suffix(".pub")
    machine.run(f"echo '{public.read_text()}' >> /home/ops/.ssh/authorized_keys")
    other = person.home / "other"
    argv = ["ssh-keygen", "-q", "-t", "ecdsa", "-N", "", "-f", str(other)]
    subprocess.run(argv, check=True)
    done = person.bootstrap(machine.target("ops"), "--key", "other.pub")
    assert done.code == 0, done.shown
    assert machine.opens("deploy", key=other)
    machine.run("sed -i '$d' /home/ops/.ssh/authorized_keys")


def test_root_stays_where_root_is_the_login(machine: Machine, person: Person) -> None:
    machine.fresh()
    done = person.bootstrap(
        machine.target(), "--ask-pass", "--user", "root", "--close-password-login"
    )
    assert done.code == 0, done.shown
    assert machine.opens("root", key=person.key)
    assert not machine.opens("root", password=PASSWORD)
    machine.run("rm /root/.ssh/authorized_keys")


def test_unknown_host_keys_are_refused_first(machine: Machine, person: Person) -> None:
    machine.fresh()
    known = person.home / ".ssh" / "known_hosts"
    known.unlink()
    refused = person.bootstrap(machine.target(), "--ask-pass")
    assert refused.code == 4
    assert "its host key" in refused.shown
    done = person.bootstrap(machine.target(), "--ask-pass", "--accept-new-host-keys")
    assert done.code == 0, done.shown
    assert f"[127.0.0.1]:{machine.host.port} " in known.read_text()


PLAYBOOK = """\
- name: prepare
  hosts: all
  become: true
  tags: [prepare]
  tasks:
    - copy:
        dest: /etc/provision-test
        content: "{{ group_names | join(' ') }} {{ greeting }} as {{ ansible_user }}"
- name: roles
  hosts: trainer
  tasks: [{fail: {msg: a stack is rolled out}}]
"""


def test_hosts_side_by_side_prepared_and_written_down(
    machines: list[Machine], machine: Machine, person: Person
) -> None:
    first, second = machines
    first.fresh()
    second.fresh("echo 'AllowUsers root' > /etc/ssh/sshd_config.d/60-policy.conf")
    (person.home / "playbooks").mkdir()
    (person.home / "playbooks" / "deploy.yml").write_text(PLAYBOOK)
    file = person.home / "prod.yml"
    ours = "# ours\nall:\n  vars: {greeting: hello}\n  children:\n    trainer: # big ones\n"
    file.write_text(ours)
    arguments = ("--role", "trainer", "--role", "agent_pool", "--write", "prod.yml", "--ask-pass")
    targets = (first.target(), second.target(name="gpu-02"))

    done = person.bootstrap(*targets, *arguments)
    assert done.code == 3, done.shown
    assert "AllowUsers root" in done.out
    assert first.run("cat /etc/provision-test") == "agent_pool trainer hello as deploy"
    assert second.run("ls /etc/provision-test 2>&1 || true").startswith("ls: cannot access")
    text = file.read_text()
    assert text.startswith(ours)
    (host,) = yaml.safe_load(text)["all"]["children"]["trainer"]["hosts"].items()
    assert host == (
        "gpu-01",
        {
            "ansible_host": "127.0.0.1",
            "ansible_port": first.host.port,
            "ansible_user": "deploy",
            "private_address": first.host.private_address,
        },
    )

    second.run("rm /etc/ssh/sshd_config.d/60-policy.conf; systemctl reload ssh; sleep 0.1")
    mended = person.bootstrap(*targets, *arguments)
    assert mended.code == 0, mended.shown
    hosts = yaml.safe_load(file.read_text())["all"]["children"]["agent_pool"]["hosts"]
    assert list(hosts) == ["gpu-01", "gpu-02"]
    text = file.read_text()
    again = person.bootstrap(*targets, *arguments)
    assert changes(again) == 0, again.shown
    assert "has gpu-01, gpu-02 already" in again.out
    assert file.read_text() == text
