"""No secret in anything that is told, wherever it came from."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from provision.engine.events import TaskFinished, TaskOutput, TaskProgress, TaskStarted
from provision.errors import UsageError
from tests.local.engine.playing import played

SECRET = "hunter2-of-redis"
PLAY = """
- hosts: all
  gather_facts: false
  vars: {greeting: "say {{ redis_password }}"}
  tasks:
"""


def everything(tasks: str, directory: Path, **options: object) -> str:
    hosts = {"h1": {"redis_password": SECRET}}
    result = played(PLAY + tasks, directory, hosts, **options)
    text = "\n".join(str(dataclasses.asdict(event)) for event in result.events)
    assert result.finished and len(text) > 100
    return text


@pytest.mark.parametrize(
    "task",
    [
        "- {name: 'label {{ redis_password }}', debug: {msg: x}}",
        "- {name: t, debug: {msg: '{{ item }}'}, loop: ['{{ redis_password }}']}",
        "- {name: t, debug: {var: greeting}}",
        "- {name: t, copy: {content: 'requirepass {{ redis_password }}', dest: DIR/f}}",
        '- {name: t, command: "echo one {{ redis_password }}"}',
        "- {name: t, command: \"sh -c 'echo {{ redis_password }} >&2; exit 1'\"}",
        "- {name: t, fail: {msg: '{{ greeting }}'}}",
        "- {name: t, assert: {that: false, fail_msg: '{{ greeting }}'}}",
        "- {name: t, wait_for: {path: '/{{ redis_password }}', timeout: 0}}",
        "- {name: t, debug: {msg: '{{ redis_password | int(base=\"x\") }}'}}",
        "- {name: t, file: {path: '/nowhere/{{ redis_password }}', state: file}}",
    ],
)
def test_a_secret_variable_is_never_told(task: str, tmp_path: Path) -> None:
    assert SECRET not in everything("    " + task.replace("DIR", str(tmp_path)), tmp_path)


@pytest.mark.parametrize(
    "tasks",
    [
        "- {name: t, debug: {msg: '{{ api_token }}'}, vars: {api_token: learnt-late}}",
        "- {set_fact: {api_token: learnt-late}}\n    - {debug: {msg: '{{ api_token }}'}}",
    ],
)
def test_secrets_that_tasks_set_are_learnt(tasks: str, tmp_path: Path) -> None:
    assert "learnt-late" not in everything("    " + tasks, tmp_path)


@pytest.mark.parametrize(
    "task",
    [
        "copy: {content: plain-words, dest: DIR/f}",
        "command: echo plain-words",
        "command: sh -c 'echo plain-words; exit 1'",
        "{command: echo plain-words, register: out, changed_when: true}",
        "{debug: {msg: '{{ item }}'}, loop: [plain-words]}",
        "debug: {msg: plain-words}",
        "{command: cat plain-words, register: out, failed_when: out.rc == 1}",
    ],
)
def test_no_log_hides_everything(task: str, tmp_path: Path) -> None:
    body = task.strip("{}") if task.startswith("{") else task
    words = "{name: t, no_log: true, " + body + "}"
    if body.startswith("command"):
        words = words.replace("command: ", 'command: "', 1)
        end = words.find(", register") if ", register" in words else len(words) - 1
        words = words[:end] + '"' + words[end:]
    told = everything("    - " + words.replace("DIR", str(tmp_path)), tmp_path)
    assert "plain-words" not in told


def test_every_kind_of_event_was_looked_at(tmp_path: Path) -> None:
    hosts = {"h1": {"redis_password": SECRET}}
    tasks = (
        "    - {name: t, shell: 'echo {{ redis_password }}; false', retries: 1, delay: 0,"
        " ignore_errors: true}\n"
    )
    result = played(PLAY + tasks, tmp_path, hosts)
    kinds = {type(event) for event in result.events}
    assert {TaskStarted, TaskOutput, TaskProgress, TaskFinished} <= kinds


def test_an_error_that_ends_the_run_is_masked(tmp_path: Path) -> None:
    text = f"""
- hosts: all
  gather_facts: false
  vars: {{db_password: {SECRET}, size: "{{{{ db_password }}}}"}}
  tasks: [{{debug: {{}}}}]
- hosts: all
  gather_facts: false
  vars: {{db_password: {SECRET}}}
  serial: "{{{{ db_password }}}}"
  tasks: [{{debug: {{}}}}]
"""
    with pytest.raises(UsageError) as caught:
        played(text, tmp_path)
    assert SECRET not in str(caught.value)
