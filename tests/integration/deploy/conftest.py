"""A lab of three bare hosts, and the main job done on it once for the tests of this directory."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from provision.lab.lab import Lab
from provision.source import load_yaml
from tests.integration.commandline import Ended, Project
from tests.labs import lab_for

OnHost = Callable[[str, str], str]


@pytest.fixture(scope="package")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """Three bare hosts and the registry with the stack's images."""
    with lab_for("deploy", tmp_path_factory) as made:
        made.up(3)
        yield made


@pytest.fixture(scope="package")
def project(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project directory with nothing in it: everything is as shipped.

    The games go on while all the tests are run, at a quarter of the lab's pace: its own is for
    people who want to see the cluster learn, and takes half a core.
    """
    made = Project(tmp_path_factory.mktemp("project"), lab.inventory_file)
    variables = load_yaml(lab.inventory_file)["all"]["vars"]
    pace = {"AGENT_MOVES_PER_SECOND": "100", "AGENT_GAMES": "4"}
    made.set_variables({"agent_environment": {**variables["agent_environment"], **pace}})
    return made


@pytest.fixture(scope="package")
def first(project: Project) -> Ended:
    """The first deploy, from bare hosts."""
    return project.run("deploy")


@pytest.fixture
def deployed(first: Ended) -> None:
    """The stack runs."""
    assert first.code == 0, first.shown


@pytest.fixture(scope="package")
def on_host(lab: Lab) -> OnHost:
    """Run a shell script as root on a host, around SSH, and return what it says."""

    def run(host: str, script: str) -> str:
        done = lab.exec(host, ["/bin/sh", "-c", script])
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run
