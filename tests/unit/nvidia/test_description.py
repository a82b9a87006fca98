"""``provision gpu plan``: what it reads, what it prints, how it ends."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner

from provision.cli.main import run
from provision.errors import ExitCode
from provision.tasks.nvidia.description import read_machine
from provision.tasks.nvidia.machine import Device

HERE = Path(__file__).parent
BAD = yaml.safe_load((HERE / "bad_input.yml").read_text(encoding="utf-8"))
PAGE = Path(__file__).parents[3] / "docs" / "gpu.md"


def plan(path: Path, capsys: pytest.CaptureFixture[str]) -> tuple[int, str, str]:
    code = run(["gpu", "plan", "--facts", str(path)])
    printed = capsys.readouterr()
    return code, printed.out, printed.err


@pytest.mark.parametrize("case", BAD, ids=[case["says"][1] for case in BAD])
def test_bad_input_is_named_by_file_and_line(
    case: dict[str, Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "file.yml"
    path.write_text(case["text"], encoding="utf-8")
    code, out, err = plan(path, capsys)
    assert code == ExitCode.USAGE
    assert out == ""
    assert [part for part in case["says"] if part not in err] == []


def test_a_missing_file_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, _, err = plan(tmp_path / "none.yml", capsys)
    assert code == ExitCode.USAGE
    assert "none.yml" in err


@pytest.mark.parametrize(
    ("line", "device"),
    [
        ("10de:2237", Device("2237")),
        ("10DE:20B0", Device("20b0")),
        ("0302: 10de:2237", Device("2237", "0302")),
        ("00:1e.0 0302: 10de:2237 (rev a1)", Device("2237", "0302")),
        ("0000:9e:00.0 0680: 10de:22a3 (rev a1)", Device("22a3", "0680")),
    ],
)
def test_lines_of_lspci_are_read(line: str, device: Device, tmp_path: Path) -> None:
    path = tmp_path / "machine.yml"
    path.write_text(
        yaml.safe_dump({"pci": [line], "os": "debian-13", "kernel": {"running": "6.12"}}),
        encoding="utf-8",
    )
    assert read_machine(path).devices == (device,)


def test_the_answer_is_json_and_a_refusal_is_an_exit_code(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "machine.yml"
    machine = {"pci": ["10de:2237"], "os": "debian-13", "kernel": {"running": "6.12.94"}}
    path.write_text(yaml.safe_dump(machine), encoding="utf-8")
    code, out, _ = plan(path, capsys)
    assert (code, json.loads(out)["verdict"]) == (ExitCode.OK, "install")
    path.write_text(yaml.safe_dump({**machine, "secure_boot": True}), encoding="utf-8")
    code, out, _ = plan(path, capsys)
    assert (code, json.loads(out)["verdict"]) == (ExitCode.FAILED, "refuse")


def test_the_pages_example_is_what_it_says(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The first YAML block of docs/gpu.md is a whole description, the JSON after it the answer."""
    blocks = re.findall(r"```(yaml|json)\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    (_, described), (_, answer) = blocks[0], blocks[1]
    path = tmp_path / "machine.yml"
    path.write_text(described, encoding="utf-8")
    code, out, _ = plan(path, capsys)
    assert code == ExitCode.OK
    assert json.loads(out) == json.loads(answer)


FIELD = re.compile(r"^\| `([a-z_.]+)` \|", re.MULTILINE)
DESCRIBED = {"pci": ["10de:2237"], "os": "debian-13", "kernel": {"running": "6.12.94"}}


@pytest.mark.parametrize("section", ["", "kernel", "driver", "wanted"])
def test_every_field_is_documented(
    section: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    machine: dict[str, Any] = {**DESCRIBED, "driver": {}, "wanted": {}}
    (machine[section] if section else machine)["qqqqqq"] = 1
    path = tmp_path / "machine.yml"
    path.write_text(yaml.safe_dump(machine), encoding="utf-8")
    _, _, err = plan(path, capsys)
    known = set(err.partition("hint: known: ")[2].strip().split(", "))
    table = PAGE.read_text(encoding="utf-8").partition("## The description")[2]
    fields = FIELD.findall(table.partition("## The answer")[0])
    prefix = f"{section}." if section else ""
    documented = {it.removeprefix(prefix).split(".")[0] for it in fields if it.startswith(prefix)}
    assert known == documented


def test_help_names_the_group() -> None:
    from provision.cli.main import cli

    assert "gpu" in CliRunner().invoke(cli, ["--help"]).output
