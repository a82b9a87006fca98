"""A lab host with users of all kinds, on which tests start SSH servers of their own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from provision.engine.link import HostLink
from provision.lab.host import LabHost
from provision.lab.lab import Lab
from provision.transport.endpoint import Endpoint
from tests.labs import lab_for

PASSWORD = "lab-login-password"

# `ops` is the lab's own user, with sudo and without a password.
USERS = f"""
set -e
for user in asked stranger noisy; do
  useradd --create-home --shell /bin/bash $user
  install -d -m 0700 -o $user -g $user /home/$user/.ssh
  install -m 0600 -o $user -g $user /home/ops/.ssh/authorized_keys /home/$user/.ssh/
  echo "$user:{PASSWORD}" | chpasswd
done
echo 'asked ALL=(ALL:ALL) ALL' > /etc/sudoers.d/asked
echo 'noisy ALL=(ALL:ALL) NOPASSWD: ALL' > /etc/sudoers.d/noisy
chmod 0440 /etc/sudoers.d/*
printf 'echo Welcome to the cluster; printf unfinished; echo to stderr >&2\\n' > /tmp/noise
cat /tmp/noise /home/noisy/.bashrc > /tmp/bashrc && cp /tmp/bashrc /home/noisy/.bashrc
cp /tmp/noise /home/noisy/.profile
mkdir -p /opt/only-python && ln -s /usr/bin/python3 /opt/only-python/python3
"""


@dataclass
class Servers:
    """Starts SSH servers on the lab's host, each on a port of its own."""

    lab: Lab
    host: LabHost
    directory: Path
    _next: int = 2200

    def run(self, script: str) -> str:
        """Run a shell script as root on the host, around SSH, and return what it says."""
        done = self.lab.exec(self.host.name, ["/bin/sh", "-c", script])
        assert done.returncode == 0, done.stderr
        return done.stdout

    def start(self, *settings: str, key: str = "/etc/ssh/ssh_host_ed25519_key") -> Endpoint:
        """Start one and return how ``ops`` reaches it; its host key is known."""
        self._next += 1
        port = self._next
        lines = [
            f"Port {port}",
            f"HostKey {key}",
            f"PidFile /run/test-sshd-{port}.pid",
            "UsePAM yes",
            *(settings or ["PerSourcePenalties no"]),
        ]
        config = f"/etc/ssh/test-{port}"
        text = "\n".join(lines)
        self.run(f"cat > {config} <<'END'\n{text}\nEND\n/usr/sbin/sshd -f {config}")
        known = self.directory / f"known_hosts-{port}"
        address = self.host.private_address
        known.write_text(f"[{address}]:{port} {self.host_key(key)}\n")
        return Endpoint(
            name=f"test-{port}",
            address=address,
            port=port,
            user="ops",
            key_files=(self.host.key,),
            known_hosts=(known,),
        )

    def host_key(self, key: str = "/etc/ssh/ssh_host_ed25519_key") -> str:
        """Return a server's public key as ``known_hosts`` has it."""
        return " ".join(self.run(f"cat {key}.pub").split()[:2])

    def connections(self, endpoint: Endpoint) -> int:
        """Return how many connections a server has."""
        said = self.run(f"ss -Htn state established '( sport = :{endpoint.port} )'")
        return len(said.splitlines())

    def stop_all(self) -> None:
        """Stop the servers and their sessions; the lab's own goes on."""
        self.run(
            "for f in /run/test-sshd-*.pid; do [ -e $f ] && kill $(cat $f); rm -f $f; done;"
            " pkill -x sshd-session; rm -f /etc/ssh/test-*; true"
        )


@pytest.fixture(scope="package")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """Two hosts, without the registry."""
    with lab_for("transport", tmp_path_factory) as made:
        made.up(2, with_images=False)
        yield made


@pytest.fixture(scope="package")
def prepared(lab: Lab) -> LabHost:
    """The host with the users."""
    done = lab.exec("h1", ["/bin/sh", "-c", USERS])
    assert done.returncode == 0, done.stderr
    return lab.host("h1")


@pytest.fixture
def servers(lab: Lab, prepared: LabHost, tmp_path: Path) -> Iterator[Servers]:
    """For one test; whatever it started ends with it."""
    started = Servers(lab, prepared, tmp_path)
    yield started
    started.stop_all()


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home directory without keys, and no agent: only what a test provides is there."""
    directory = tmp_path / "home"
    (directory / ".ssh").mkdir(parents=True, mode=0o700)
    monkeypatch.setenv("HOME", str(directory))
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    return directory


Link = Callable[..., HostLink]


@pytest.fixture
def link() -> Iterator[Link]:
    """Make links to endpoints, with changes to them; all are closed after the test."""
    made: list[HostLink] = []

    def make(
        endpoint: Endpoint,
        *,
        accept_new_host_keys: bool = False,
        install_python: bool = False,
        **changes: object,
    ) -> HostLink:
        changed = replace(endpoint, **changes)  # type: ignore[arg-type]
        made.append(
            HostLink(
                changed, accept_new_host_keys=accept_new_host_keys, install_python=install_python
            )
        )
        return made[-1]

    yield make
    for each in made:
        each.close()
