"""Bare machines as clouds and hosters hand them out, and a person with a key at a terminal."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from provision.engine.link import HostLink
from provision.errors import UnreachableError
from provision.lab.host import LabHost
from provision.lab.lab import Lab
from provision.transport.endpoint import Endpoint
from tests.integration.commandline import Ended, recap_of
from tests.labs import lab_for

PASSWORD = "lab-root-password"
OURS = "/etc/ssh/sshd_config.d/00-provision.conf"

# A hoster's machine: root logs in by password, and cloud-init has said so to sshd.
AS_HANDED_OUT = f"""
pkill -u deploy; userdel -rf deploy; rm -rf /etc/sudoers.d/9* /etc/ssh/keys
rm -f /etc/ssh/sshd_config.d/* /etc/provision-test
set -e
echo 'root:{PASSWORD}' | chpasswd
chage -d 20000 root
sed -i '/^#*Include/d' /etc/ssh/sshd_config
sed -i '1i Include /etc/ssh/sshd_config.d/*.conf' /etc/ssh/sshd_config
printf 'PasswordAuthentication yes\\nPermitRootLogin yes\\nPerSourcePenalties no\\n' \
    > /etc/ssh/sshd_config.d/50-cloud-init.conf
"""
RELOAD = "systemctl reload ssh && sleep 0.1"


@dataclass
class Machine:
    """One host of the lab, and whether the ways into it are open."""

    lab: Lab
    host: LabHost

    def run(self, script: str) -> str:
        """Run a shell script as root, around SSH."""
        done = self.lab.exec(self.host.name, ["/bin/sh", "-c", script])
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def fresh(self, *scripts: str) -> Machine:
        """Make it as it was handed out, run the scripts, and have sshd read what they wrote."""
        self.run("\n".join((AS_HANDED_OUT, *scripts, RELOAD)))
        return self

    def target(self, user: str = "root", name: str = "gpu-01") -> str:
        """Return what a person types."""
        return f"{name}={user}@127.0.0.1:{self.host.port}"

    def opens(self, user: str, *, password: str | None = None, key: Path | None = None) -> bool:
        """Tell whether a login works with this, and nothing else."""
        endpoint = Endpoint(
            name="gpu-01",
            address="127.0.0.1",
            port=self.host.port,
            user=user,
            password=password,
            key_files=(key or Path("/nothing"),),  # and none of the home directory
            known_hosts=(self.host.known_hosts,),
        )
        link = HostLink(endpoint)
        try:
            link.open()
        except UnreachableError:
            return False
        finally:
            link.close()
        return True

    def is_as_before(self) -> bool:
        """Tell whether the old way in is open, and nothing of ours is left with sshd."""
        return self.opens("root", password=PASSWORD) and self.run(f"ls {OURS} || true") == ""


@dataclass
class Person:
    """Somebody's home directory, with a key and the hosts' keys in it."""

    home: Path

    @property
    def key(self) -> Path:
        """The private key that is tried without being named."""
        return self.home / ".ssh" / "id_ed25519"

    def bootstrap(self, *arguments: str, typed: str = f"{PASSWORD}\n") -> Ended:
        """Run the command in the home directory."""
        environment = {k: v for k, v in os.environ.items() if k != "SSH_AUTH_SOCK"}
        done = subprocess.run(
            [sys.executable, "-W", "ignore", "-m", "provision", "bootstrap", *arguments],
            cwd=self.home,
            env={**environment, "HOME": str(self.home), "COLUMNS": "200"},
            input=typed,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        return Ended(done.returncode, done.stdout, done.stderr, 0.0)


def changes(ended: Ended) -> int:
    """Return how many changes a run has made."""
    return sum(row["changed"] for row in recap_of(ended.out).values())


@pytest.fixture(scope="package")
def machines(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Machine]]:
    with lab_for("bootstrap", tmp_path_factory) as lab:
        hosts = lab.up(2, with_images=False)
        yield [Machine(lab, host) for host in hosts]


@pytest.fixture
def machine(machines: list[Machine], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Machine:
    """The first one; this process has no keys of its own."""
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    return machines[0]


@pytest.fixture
def person(machine: Machine, tmp_path: Path) -> Person:
    ssh = tmp_path / ".ssh"
    ssh.mkdir(mode=0o700)
    argv = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "me", "-f", f"{ssh}/id_ed25519"]
    subprocess.run(argv, check=True)
    (ssh / "known_hosts").write_text(machine.host.known_hosts.read_text())
    return Person(tmp_path)
