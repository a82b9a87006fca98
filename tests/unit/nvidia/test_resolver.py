"""The driver's resolver: each file in cases/ is a described machine and its whole decision."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import pytest

from provision.source import load_yaml, plain
from provision.tasks.nvidia.description import described_machine
from provision.tasks.nvidia.gpu import gpu
from provision.tasks.nvidia.resolver import resolve
from provision.tasks.nvidia.tables import rows, table

CASES = sorted((Path(__file__).parent / "cases").glob("*.yml"))


@cache
def case_of(path: Path) -> Any:
    return load_yaml(path)


@pytest.mark.parametrize("path", CASES, ids=[path.stem for path in CASES])
def test_case(path: Path) -> None:
    case = case_of(path)
    machine = described_machine(case["machine"], str(path))
    assert resolve(machine).as_json() == plain(case["decision"])


def test_cases_cover_every_system_and_every_kind_of_answer() -> None:
    cases = [case_of(path) for path in CASES]
    assert {case["machine"]["os"] for case in cases} >= set(table("distributions")) - {
        "almalinux-9"
    }
    assert {case["decision"]["verdict"] for case in cases} == {
        "nothing",
        "install",
        "keep",
        "refuse",
    }


def test_every_package_is_at_one_version_or_names_its_own() -> None:
    """What is installed of one driver never mixes versions."""
    for path in CASES:
        decision = case_of(path)["decision"]
        versions = {name.partition("=")[2] for name in decision.get("packages", ())} - {""}
        assert len(versions) <= 1, path.stem


def test_whatever_is_installed_is_held() -> None:
    for path in CASES:
        decision = case_of(path)["decision"]
        named = {package.partition("=")[0] for package in decision.get("packages", ())}
        assert named <= set(decision.get("holds", ())), path.stem


def test_refusals_say_what_to_do() -> None:
    for path in CASES:
        decision = case_of(path)["decision"]
        for refusal in decision.get("refusals", ()):
            assert all(refusal[part] for part in ("problem", "expected", "found", "next"))


def test_the_table_of_gpus_is_whole() -> None:
    """Every row is well-formed, listed once and in order, and of an architecture with rules."""
    devices = [row[0] for row in rows("gpus")]
    assert devices == sorted(set(devices), key=lambda device: int(device, 16))
    assert {row[1] for row in rows("gpus")} <= set(table("architectures"))
    assert all(gpu(device).modules and gpu(device).name for device in devices)


@pytest.mark.parametrize(
    ("device", "name", "architecture", "modules"),
    [
        ("1db1", "Tesla V100-SXM2-16GB", "Volta", ("proprietary",)),
        ("1eb8", "NVIDIA T4", "Turing", ("open", "proprietary")),
        ("2237", "NVIDIA A10G", "Ampere", ("open", "proprietary")),
        ("27b8", "NVIDIA L4", "Ada Lovelace", ("open", "proprietary")),
        ("2330", "NVIDIA H100 80GB HBM3", "Hopper", ("open", "proprietary")),
        ("2342", "NVIDIA GH200 120GB", "Hopper", ("open",)),
        ("2901", "NVIDIA B200", "Blackwell", ("open",)),
        ("3182", "NVIDIA B300 SXM6 AC", "Blackwell", ("open",)),
    ],
)
def test_gpus_of_data_centres(
    device: str, name: str, architecture: str, modules: tuple[str, ...]
) -> None:
    found = gpu(device)
    assert (found.name, found.architecture, found.modules) == (name, architecture, modules)
