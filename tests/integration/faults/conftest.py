"""Three bare hosts to break, and a project of a test's own that works on them."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from provision.lab.lab import Lab
from tests.integration.commandline import Project
from tests.labs import lab_for

OnHost = Callable[..., str]


@pytest.fixture(scope="package")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """Hosts without the registry; a test may break one, and leaves it whole or resets it."""
    with lab_for("faults", tmp_path_factory) as made:
        made.up(3, with_images=False)
        yield made


@pytest.fixture
def project(lab: Lab, tmp_path: Path) -> Project:
    """An empty project with the lab's inventory."""
    directory = tmp_path / "project"
    directory.mkdir()
    return Project(directory, lab.inventory_file)


@pytest.fixture
def on_host(lab: Lab) -> OnHost:
    """Run a shell script as root on a host, around SSH, and return what it says."""

    def run(host: str, script: str, *, may_fail: bool = False) -> str:
        done = lab.exec(host, ["/bin/sh", "-c", script])
        assert may_fail or done.returncode == 0, done.stderr
        return done.stdout

    return run


@pytest.fixture
def silent_port() -> Iterator[int]:
    """A port that takes connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]
