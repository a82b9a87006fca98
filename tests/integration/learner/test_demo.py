"""What ``make demo`` shows: bare hosts become a cluster that learns, and says so itself."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from provision.lab.lab import Lab
from tests.integration.commandline import Project
from tests.labs import lab_for

pytestmark = pytest.mark.integration

PATIENCE = 900  # seconds; a free machine needs four minutes
WINS = re.compile(r"wins +(\d+) %")


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    with lab_for("demo", tmp_path_factory) as made:
        made.up(3)
        yield made


@pytest.fixture(scope="module")
def project(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Project:
    return Project(tmp_path_factory.mktemp("project"), lab.inventory_file)


def test_a_second_deploy_changes_nothing(project: Project) -> None:
    first = project.run("deploy", timeout=1200)
    assert first.code == 0, first.shown
    again = project.run("deploy")
    assert again.code == 0, again.shown
    assert {row["changed"] for row in again.recap().values()} == {0}, again.shown


def test_it_comes_from_half_of_its_games_to_four_of_five(project: Project) -> None:
    """Out of Prometheus, by ``provision status``; untrained, it is as good as a random player."""
    wait = ("--wait-for", "win_rate>0.8", "--interval", "5", "--timeout", str(PATIENCE))
    learnt = project.run("status", *wait, timeout=PATIENCE + 60)
    print(learnt.out)
    assert learnt.code == 0, learnt.shown
    shares = [int(share) for share in WINS.findall(learnt.out)]
    assert 30 <= shares[0] <= 70
    assert shares[-1] >= 80
