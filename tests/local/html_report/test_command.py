"""``--report`` and ``provision report`` as a person uses them, on this machine itself."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from provision.cli.main import run
from provision.errors import ExitCode

PLAY = """
- name: greet
  hosts: all
  gather_facts: false
  tasks:
    - copy: {dest: "{{ place }}/motd", content: "welcome to <b>here</b>\\n"}
    - command: "sh -c 'echo it broke >&2; exit 7'"
      when: broken | default(false)
"""


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "play.yml").write_text(PLAY)
    (tmp_path / "hosts.yml").write_text(
        f"all: {{hosts: {{here: {{ansible_connection: local, place: {tmp_path}}}}}}}"
    )
    return tmp_path


def play(*more: str) -> int:
    return run(["play", "play.yml", "-i", "hosts.yml", *more])


def test_a_run_writes_its_page_and_the_record_makes_the_same_one(project: Path) -> None:
    assert play("--report", "run.html") == ExitCode.OK
    page = (project / "run.html").read_text()
    assert "+welcome to &lt;b&gt;here&lt;/b&gt;" in page and "succeeded" in page
    assert run(["report", "-o", "again.html"]) == ExitCode.OK
    assert (project / "again.html").read_text() == page


def test_a_failed_run_has_a_page(project: Path) -> None:
    assert play("-e", '{"broken": true}', "--report", "run.html") == ExitCode.FAILED
    page = (project / "run.html").read_text()
    assert re.search(r"<dt>log</dt><dd><pre class=\"log\">it broke", page)


def test_by_default_the_page_lies_beside_the_record(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    play()
    capsys.readouterr()
    assert run(["report"]) == ExitCode.OK
    path = project / capsys.readouterr().out.strip()
    assert path.name == "report.html" and (path.parent / "events.jsonl").exists()
    assert run(["report", path.parent.name, "-o", "-"]) == ExitCode.OK
    assert capsys.readouterr().out.strip() == path.read_text().strip()


def test_a_place_that_does_not_exist_is_refused_before_anything_is_done(project: Path) -> None:
    assert play("--report", "none/run.html") == ExitCode.USAGE
    assert not (project / "motd").exists()
