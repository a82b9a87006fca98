"""A lab of the tests' own: its name keeps it apart from the one that a person may be using."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator

import docker
import pytest

from provision.lab.host import LabHost, ssh_command
from provision.lab.lab import Lab
from tests.labs import lab_for

Login = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(scope="package")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """One host, without the registry."""
    with lab_for("lab", tmp_path_factory) as made:
        made.up(1, with_images=False)
        yield made


@pytest.fixture(scope="session")
def client() -> Iterator[docker.DockerClient]:
    """The machine's own Docker."""
    connected = docker.from_env()
    yield connected
    connected.close()


@pytest.fixture(scope="session")
def login() -> Login:
    """Run a shell command on a host as its user would: by OpenSSH, with strict host keys."""

    def run(
        host: LabHost, command: str, *, stdin: str = "", timeout: float = 60
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ssh_command(host, [command]),
            input=stdin,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )

    return run
