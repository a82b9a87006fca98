"""One host with real dnf and rpm and two simulated GPUs, which takes itself for Rocky Linux 9."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from provision.agent import openpgp
from provision.lab.lab import Lab
from provision.source import load_yaml
from tests.integration.commandline import Ended, Project
from tests.labs import lab_for

OnHost = Callable[[str], str]
Play = Callable[..., Ended]

STAND_IN = Path(__file__).with_name("stand-in.sh")
ROCKY = 'NAME="Rocky Linux"\nID="rocky"\nID_LIKE="rhel centos fedora"\nVERSION_ID="9.6"\n'
AMAZON = 'NAME="Amazon Linux"\nID="amzn"\nID_LIKE="fedora"\nVERSION_ID="2023"\n'
PACKAGES = "http://packages.lab.test"
PLACES = {"nvidia_driver": "/cuda", "docker_engine": "/docker", "nvidia_container_toolkit": ""}


@pytest.fixture(scope="package")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """One host for all files, as a GPU host gets it all: Docker, driver and toolkit."""
    with lab_for("dnf", tmp_path_factory) as made:
        made.up(1, with_images=False, simulated_gpus=2)
        yield made


@pytest.fixture(scope="package")
def on_host(lab: Lab) -> OnHost:
    """Run a shell script as root on the host, around SSH, and return what it says."""

    def run(script: str) -> str:
        done = lab.exec("h1", ["/bin/sh", "-ec", script], timeout=180)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout.strip()

    if lab.exec("h1", ["test", "-e", "/var/lib/dpkg.debian"]).returncode != 0:
        run(STAND_IN.read_text(encoding="utf-8"))
    run(as_system(ROCKY))
    return run


def as_system(release: str) -> str:
    """Return the script after which the host takes itself for another system."""
    return f"rm -f /etc/os-release; printf '%s' '{release}' >/etc/os-release"


@pytest.fixture(scope="package")
def server(lab: Lab) -> Any:
    """Return the container that serves the packages."""
    return lab._client.containers.get(f"{lab.name}-packages")


@pytest.fixture(scope="package")
def fingerprint(lab: Lab) -> str:
    """Return that of the key that signs the lab's packages."""
    inventory: Any = load_yaml(lab.inventory_file)["all"]
    return str(inventory["vars"]["nvidia_container_toolkit_key_fingerprint"])


@pytest.fixture(scope="package")
def project(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project with the host, which has no role."""
    return Project(tmp_path_factory.mktemp("project"), lab.inventory_file)


@pytest.fixture(scope="package")
def play(project: Project, on_host: OnHost, fingerprint: str) -> Play:
    """Run one task on the host, with the lab's repository and its key."""

    def run(name: str, *arguments: str, **parameters: object) -> Ended:
        given = {"repository": PACKAGES + PLACES.get(name, ""), "key_fingerprint": fingerprint}
        if name not in PLACES:
            given = {}
        entry = {"name": "it", name: {**given, **parameters}}
        return project.play(
            yaml.safe_dump([{"hosts": "all", "become": True, "tasks": [entry]}]), *arguments
        )

    return run


def changes(ended: Ended) -> int:
    """Return how much a play has changed."""
    assert ended.code == 0, ended.shown
    return ended.recap()["h1"]["changed"]


def versions(on_host: OnHost, names: str) -> set[str]:
    """Return the versions and releases that rpm has of packages."""
    return set(on_host(f"rpm -q --qf '%{{VERSION}}-%{{RELEASE}}\\n' {names}").split())


def locked(on_host: OnHost, kind: str) -> set[str]:
    """Return dnf's locks on packages with a word in their names, as name-epoch:version-release."""
    listed = on_host("cat /etc/dnf/plugins/versionlock.list").splitlines()
    return {it.removesuffix(".*") for it in listed if kind in it and not it.startswith("#")}


def keys(on_host: OnHost, name: str) -> list[str]:
    """Return the fingerprints of what dnf is told to trust for a repository."""
    text = on_host(f"cat /etc/pki/rpm-gpg/RPM-GPG-KEY-{name}")
    return openpgp.fingerprints(openpgp.binary(text.encode()))
