"""What a deploy is to do, decided here: batches from variables, images once, hooks."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from provision.agent.resource import Query
from provision.engine.events import EventBus
from provision.engine.hooks import run_hook
from provision.engine.options import RunOptions
from provision.engine.play.playbook import load
from provision.engine.play.playsettings import settings_of
from provision.engine.rollout.undo import roles_in
from provision.engine.run import Run
from provision.errors import TaskError, UsageError
from provision.images.digests import Digests, NoDockerError
from provision.inventory.inventory import Inventory
from provision.playbook.model import Play
from provision.project import find
from tests.local.engine.playing import inventory_of


def shipped(name: str) -> Play:
    return next(play for play in load(find("playbooks", "deploy.yml")) if play.name == name)


@pytest.mark.parametrize(
    ("variables", "serial"),
    [
        ({}, ()),
        ({"game_server_serial": 2}, (2,)),
        ({"game_server_serial": "25%"}, ("25%",)),
        ({"game_server_serial": [1, "25%"]}, (1, "25%")),
        ({"game_server_serial": "{{ size }}", "size": 3}, (3,)),
    ],
)
def test_batches_come_from_variables(
    variables: Mapping[str, object], serial: tuple[int | str, ...], tmp_path: Path
) -> None:
    inventory = inventory_of({"h1": variables}, tmp_path)
    settings = settings_of(shipped("game server"), {}, inventory.context("h1"))
    assert settings.serial == serial
    assert settings.max_fail_percentage == 0


def test_the_command_line_wins() -> None:
    given = {"game_server_serial": 1, "game_server_max_fail_percentage": 30}
    settings = settings_of(shipped("game server"), given, {"game_server_serial": 5})
    assert settings.serial == (1,)
    assert settings.max_fail_percentage == 30


def test_every_role_is_known_by_its_play() -> None:
    roles = [role for play in load(find("playbooks", "deploy.yml")) for role in roles_in(play)]
    assert roles[0] == "host"
    assert len(roles) == len(set(roles)) == 7


# -- images ---------------------------------------------------------------------------------


class Registry:
    """Answers for a host that asks a registry."""

    def __init__(self, **answer: Any) -> None:
        self.answer = {"digests": {}, "problems": {}, **answer}
        self.asked: list[list[str]] = []

    def __call__(self, query: Query) -> Mapping[str, Any]:
        self.asked.append(list(query.fields()["name"]))
        return self.answer


def test_an_image_is_asked_for_once() -> None:
    registry, digests = Registry(digests={"a:1": "a:1@1", "b:1": "b:1@2"}), Digests()
    assert digests.resolve(["b:1", "a:1"], registry) == {"a:1": "a:1@1", "b:1": "b:1@2"}
    assert digests.resolve(["a:1"], registry) == {"a:1": "a:1@1"}
    assert registry.asked == [["a:1", "b:1"]]


def test_all_missing_images_are_named() -> None:
    problem = {"found": "manifest unknown", "hint": "push it"}
    registry = Registry(
        problems={
            "a:1": {"message": "no a:1", **problem},
            "b:1": {"message": "no b:1", **problem},
        }
    )
    with pytest.raises(TaskError, match="no a:1; no b:1"):
        Digests().resolve(["a:1", "b:1"], registry)


def test_without_docker_nobody_knows() -> None:
    with pytest.raises(NoDockerError):
        Digests().resolve(["a:1"], Registry(unavailable="Docker is not installed"))


# -- hooks ----------------------------------------------------------------------------------


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """A run in an empty project."""
    monkeypatch.chdir(tmp_path)
    inventory: Inventory = inventory_of({"h1": {}}, tmp_path)
    return Run("deploy", inventory, RunOptions(), EventBus(), ["h1"])


def hook(script: str, mode: int = 0o755) -> Path:
    path = Path("hooks/pre-deploy")
    path.parent.mkdir()
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(mode)
    return path


def test_a_hook_gets_the_facts(run: Run) -> None:
    hook('echo "$PROVISION_RUN $PROVISION_HOSTS $PROVISION_COLOUR" > said')
    run_hook(run, "pre-deploy", ["h1"], {"COLOUR": "blue"})
    assert Path("said").read_text() == f"{run.id} h1 blue\n"


def test_a_hook_that_fails_is_quoted_without_secrets(run: Run) -> None:
    hook("echo the password is hunter2; exit 3")
    run.mask.add({"hunter2"})
    with pytest.raises(TaskError, match="exited with 3\n    the password is") as caught:
        run_hook(run, "pre-deploy", ["h1"], {})
    assert "hunter2" not in caught.value.message


def test_a_hook_that_cannot_be_run(run: Run) -> None:
    hook("true", 0o644)
    with pytest.raises(UsageError, match="not executable"):
        run_hook(run, "pre-deploy", ["h1"], {})


def test_without_a_hook_nothing_happens(run: Run) -> None:
    run_hook(run, "pre-deploy", ["h1"], {})
