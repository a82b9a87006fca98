"""Bad input ends before anything has begun: one clear error, exit code 1, no host touched."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from provision.cli.main import run
from provision.errors import ExitCode

CASES: dict[str, dict[str, Any]] = yaml.safe_load(
    Path(__file__).with_name("bad_input.yaml").read_text()
)
FILES = {
    "hosts.yml": "all:\n  vars: {ansible_connection: local}\n"
    "  hosts: {a: {}}\n  children: {trainer: {hosts: {b: {}}}}\n",
    "play.yml": "- hosts: all\n  tasks:\n    - command: touch ran\n",
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_refused(
    case: dict[str, Any],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    files = {**FILES, **case.get("files", {})}
    for name, text in files.items():
        Path(name).write_text(text)
    assert run(case["command"]) == ExitCode.USAGE
    shown = capsys.readouterr()
    assert shown.out == ""
    if "error" in case:
        assert shown.err == case["error"]
    else:
        assert shown.err.startswith(case["error_begins"])
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(files)
