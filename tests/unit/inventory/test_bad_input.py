"""Everything that can be wrong with an inventory is said with its place and a way out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from provision.errors import UsageError
from provision.inventory.inventory import Inventory
from provision.source import load_yaml, plain

from .places import FIXTURES

CASES: Any = plain(load_yaml(FIXTURES / "bad_input.yml"))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_bad_inventory(case: dict[str, Any], tmp_path: Path) -> None:
    path = tmp_path / "inventory.yml"
    path.write_text(case["inventory"])
    with pytest.raises(UsageError) as caught:
        Inventory.load([path])
    error = caught.value
    assert case["message"] in error.message
    assert case.get("hint", "") in (error.hint or "")
    assert error.where is not None
    assert error.where.path == str(path)
    assert error.where.line == case.get("line")


@pytest.mark.parametrize("name", ["hosts.ini", "hosts.cfg", "hosts", "hosts.toml"])
def test_other_formats_are_refused_with_the_way_to_convert(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_text("[web]\nweb1 ansible_port=22\n")
    with pytest.raises(UsageError, match=r"no YAML inventory; supported are \.yml") as caught:
        Inventory.load([path])
    assert f"ansible-inventory -i {path} --list --yaml" in (caught.value.hint or "")


def test_a_missing_inventory_suggests_its_neighbour(tmp_path: Path) -> None:
    (tmp_path / "prod.yml").touch()
    with pytest.raises(UsageError, match=r"no inventory '.*prd\.yml'") as caught:
        Inventory.load([tmp_path / "prd.yml"])
    assert caught.value.hint == "did you mean 'prod.yml'?"


def test_a_host_name_without_comma_suggests_one(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as caught:
        Inventory.load(["some-host-nobody-has"])
    assert "'some-host-nobody-has,'" in (caught.value.hint or "")


def test_a_directory_without_inventory_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "README.md").touch()
    with pytest.raises(UsageError, match="holds no inventory file"):
        Inventory.load([tmp_path])


def test_no_source_is_an_error() -> None:
    with pytest.raises(UsageError, match="no inventory was given"):
        Inventory.load([])
