"""What plays do, case by case: ``plays/*.yaml``.

Each file holds a list of:

    name: what it shows
    play: a play's keywords; `hosts: all`, `gather_facts: false` unless it says otherwise
    playbook: or several plays, as they stand
    hosts: their variables by name (one host, h1)
    files: {name: text} beside the playbook
    options: of the run (check, tags, skip_tags, extra_vars, forks, verbosity)
    told: every `task: status` in order, of one host; with several, `host task: status`, sorted
    messages: of h1's tasks, those that have one
    phases: every `phase: summary`
    made: {name: text} of files; null where there must be none
    exit: the exit code (0)
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from provision.engine.events import PhaseFinished, TaskFinished
from provision.errors import UsageError
from tests.local.engine.playing import played

FILES = sorted((Path(__file__).parent / "plays").glob("*.yaml"))
CASES = [
    pytest.param(case, id=f"{file.stem}: {case['name']}")
    for file in FILES
    for case in yaml.safe_load(file.read_text())
]
SETS = {"tags", "skip_tags"}


@pytest.mark.parametrize("case", CASES)
def test_play(case: dict[str, Any], tmp_path: Path) -> None:
    case = at(case, str(tmp_path))
    for name, text in case.get("files", {}).items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    options = {
        name: frozenset(value) if name in SETS else value
        for name, value in case.get("options", {}).items()
    }
    result = played(text_of(case), tmp_path, case.get("hosts"), **options)
    several = len(case.get("hosts", [1])) > 1
    if "told" in case:
        told = sorted(result.told()) if several else result.told("h1")
        assert told == case["told"], result.messages("h1")
    if "messages" in case:
        assert result.messages("h1") == case["messages"]
    if "phases" in case:
        assert result.phases() == case["phases"]
    for name, text in case.get("made", {}).items():
        assert result.text(name) == text, name
    assert result.code == case.get("exit", 0), result.messages("h1")


def text_of(case: dict[str, Any]) -> str:
    if "playbook" in case:
        return str(case["playbook"])
    play = {"name": "p", "hosts": "all", "gather_facts": False, **case["play"]}
    return yaml.safe_dump([play], sort_keys=False, width=1000)


def at(value: Any, directory: str) -> Any:
    """Return a case with the test's directory in the place of ``DIR``."""
    if isinstance(value, dict):
        return {key: at(item, directory) for key, item in value.items()}
    if isinstance(value, list):
        return [at(item, directory) for item in value]
    return value.replace("DIR", directory) if isinstance(value, str) else value


@pytest.mark.parametrize("word", ["changed_when", "failed_when", "until", "ignore_errors"])
def test_a_python_task_is_not_judged(word: str, tmp_path: Path) -> None:
    text = f"- hosts: all\n  tasks: [{{name: b, base: {{}}, {word}: true}}]\n"
    with pytest.raises(UsageError, match=f"`{word}` is for modules; base is a Python task"):
        played(text, tmp_path)


def test_facts_that_nobody_wants_end_with_their_play(tmp_path: Path) -> None:
    plays = """
- {hosts: h1, name: one, tags: [a], tasks: [{debug: {msg: x}}]}
- {hosts: h1, name: two, tags: [b], gather_facts: false, tasks: [{debug: {msg: x}}]}
"""
    run = played(plays, tmp_path, tags=frozenset({"b"}))
    told = [it for it in run.events if isinstance(it, TaskFinished | PhaseFinished)]
    names = [it.task if isinstance(it, TaskFinished) else it.phase for it in told]
    assert names.index("gather facts") < names.index("one")
