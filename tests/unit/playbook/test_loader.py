"""Good playbooks become the expected objects; bad ones the expected messages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import MISSING, fields, is_dataclass
from pathlib import Path
from typing import Any, Literal

import pytest
import yaml

from provision.errors import Location, UsageError
from provision.playbook import load_playbook, load_variables
from provision.playbook.keywords import REFUSED_IN_PLAY, REFUSED_IN_PLAYBOOK, REFUSED_IN_TASK
from provision.playbook.modules import Catalog

CASES = Path(__file__).parent / "cases"
GOOD: dict[str, Any] = yaml.safe_load((CASES / "good.yaml").read_text())
BAD: dict[str, Any] = yaml.safe_load((CASES / "bad.yaml").read_text())


def our_task(
    host: object,
    *,
    size: int,
    source: Literal["docker", "distro"] = "docker",
    names: Sequence[str] = (),
    labels: Mapping[str, str] | None = None,
    quick: bool = False,
) -> None:
    """Stand for a Python task."""


CATALOG = Catalog({"our_task": our_task})


def load(tmp_path: Path, text: str) -> Any:
    path = tmp_path / "play.yml"
    path.write_text(text)
    return load_playbook(path, CATALOG)


def described(value: Any) -> Any:
    """Return dataclasses as mappings, without places and default values."""
    if is_dataclass(value):
        result = {}
        for field in fields(value):
            given = getattr(value, field.name)
            default = (
                field.default_factory()
                if field.default is MISSING and field.default_factory is not MISSING
                else field.default
            )
            if field.name != "where" and given != default:
                result[field.name] = described(given)
        return result
    if isinstance(value, list | tuple):
        return [described(item) for item in value]
    return value


@pytest.mark.parametrize("name", list(GOOD))
def test_good_playbook(name: str, tmp_path: Path) -> None:
    plays = load(tmp_path, GOOD[name]["playbook"])
    assert described(plays) == GOOD[name]["plays"]


@pytest.mark.parametrize("name", list(BAD))
def test_bad_playbook(name: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError) as caught:
        load(tmp_path, BAD[name]["playbook"])
    assert str(caught.value).replace(f"{tmp_path}/", "") == BAD[name]["error"].rstrip("\n")


@pytest.mark.parametrize("word", [*REFUSED_IN_PLAY, *REFUSED_IN_PLAYBOOK])
def test_refused_in_play(word: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="outside the part of Ansible that we run") as caught:
        load(tmp_path, f"- hosts: all\n  {word}: x\n")
    assert caught.value.where == Location(str(tmp_path / "play.yml"), 2, 3)
    assert caught.value.hint == {**REFUSED_IN_PLAY, **REFUSED_IN_PLAYBOOK}[word]


@pytest.mark.parametrize("word", [*REFUSED_IN_TASK, "ansible.builtin.include_tasks", "with_other"])
def test_refused_in_task(word: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="outside the part of Ansible that we run") as caught:
        load(tmp_path, f"- hosts: all\n  tasks:\n    - name: x\n      {word}: x\n")
    assert caught.value.where == Location(str(tmp_path / "play.yml"), 4, 7)
    assert caught.value.hint


def test_where_a_task_stands(tmp_path: Path) -> None:
    (play,) = load(tmp_path, "- hosts: all\n  tasks:\n    - debug:\n    - name: x\n      debug:\n")
    assert [task.where.line for task in play.tasks] == [3, 4]
    assert play.where == Location(str(tmp_path / "play.yml"), 1, 3)


def test_templates_of_a_short_form_know_their_place(tmp_path: Path) -> None:
    (play,) = load(tmp_path, "- hosts: all\n  tasks:\n    - debug: msg={{ nope }}\n")
    assert play.tasks[0].parameters["msg"].location.line == 3


def test_variables_file(tmp_path: Path) -> None:
    path = tmp_path / "vars.yml"
    path.write_text("a: 1\nb: [x]\n")
    assert load_variables(path) == {"a": 1, "b": ["x"]}
    path.write_text("# nothing\n")
    assert load_variables(path) == {}
    for text, message in (("- a", "a file of variables is a mapping"), ("a-b: 1", "cannot be the")):
        path.write_text(text)
        with pytest.raises(UsageError, match=message) as caught:
            load_variables(path)
        assert str(caught.value.where) == f"{path}:1:1"
