"""Lab hosts for benchmarks, and the same list of them in the words of every tool."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import yaml
from measure import ROOT

from provision.lab.host import LabHost
from provision.lab.lab import Lab

DIRECTORY = ROOT / ".lab" / "bench"
KEEP = ".keep"  # a file of this name in DIRECTORY leaves the hosts running


@dataclass(frozen=True)
class Login:
    """Where and how to log into a host; its key is in ``known_hosts``."""

    name: str
    address: str
    port: int
    user: str
    key: Path


@contextmanager
def lab(hosts: int) -> Iterator[tuple[Lab, list[LabHost]]]:
    """Start lab hosts of the benchmarks' own, without a registry, and remove them in the end."""
    with_name = Lab("bench", DIRECTORY)
    try:
        yield with_name, with_name.up(hosts, with_images=False)
    finally:
        if not (DIRECTORY / KEEP).exists():
            with_name.down()


def host_key(host: LabHost) -> str:
    """Return a lab host's public key, as ``known_hosts`` has it after the name."""
    name = f"[{host.address}]:{host.port} "
    lines = host.known_hosts.read_text().splitlines()
    return next(line.removeprefix(name) for line in lines if line.startswith(name))


class Fleet:
    """Hosts in the words of every tool, as files in a directory.

    Args:
        directory: for the files.
        logins: the hosts, each with its public key.

    """

    def __init__(self, directory: Path, logins: Sequence[tuple[Login, str]]) -> None:
        directory.mkdir(exist_ok=True)
        self.known_hosts = directory / "known_hosts"
        self.inventory = directory / "inventory.yml"  # of provision and Ansible
        self.pyinfra = directory / "pyinfra_inventory.py"
        self.plain = directory / "hosts.json"  # of work/single_exec.py
        self.known_hosts.write_text(
            "".join(f"[{login.address}]:{login.port} {key}\n" for login, key in logins)
        )
        self._write([login for login, _ in logins])

    def _write(self, logins: list[Login]) -> None:
        hosts = {
            login.name: {
                "ansible_host": login.address,
                "ansible_port": login.port,
                "ansible_user": login.user,
                "ansible_ssh_private_key_file": str(login.key),
            }
            for login in logins
        }
        arguments = {"ansible_ssh_common_args": f"-o UserKnownHostsFile={self.known_hosts}"}
        self.inventory.write_text(yaml.safe_dump({"all": {"hosts": hosts, "vars": arguments}}))
        for_pyinfra = [
            (
                login.name,
                {
                    "ssh_hostname": login.address,
                    "ssh_port": login.port,
                    "ssh_user": login.user,
                    "ssh_key": str(login.key),
                    "ssh_known_hosts_file": str(self.known_hosts),
                    "ssh_strict_host_key_checking": "yes",
                },
            )
            for login in logins
        ]
        self.pyinfra.write_text(f"hosts = {for_pyinfra!r}\n")
        plain = [
            [login.address, login.port, login.user, str(login.key), str(self.known_hosts)]
            for login in logins
        ]
        self.plain.write_text(json.dumps(plain))
