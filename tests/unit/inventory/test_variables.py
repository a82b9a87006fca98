"""Merged variables, and what templates may name besides them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from provision.errors import Location, UsageError
from provision.inventory.inventory import Inventory
from provision.source import location_of

from .places import FIXTURES


def load(name: str, **options: Any) -> Inventory:
    return Inventory.load([FIXTURES / name / "inventory.yml"], **options)


def test_hosts_of_a_group_are_ordered_level_by_level() -> None:
    groups = load("nested").context("oh-1")["groups"]
    assert groups["all"] == ["par-1", "oh-1", "fra-1", "fra-2"]


def test_hostvars_hold_every_host() -> None:
    inventory = load("nested")
    hostvars = inventory.context("par-1")["hostvars"]
    assert isinstance(hostvars, Mapping)
    assert list(hostvars) == list(inventory.hosts)
    assert hostvars["fra-2"]["level"] == "host"
    assert hostvars["fra-2"]["inventory_hostname"] == "fra-2"
    assert "nobody" not in hostvars


def test_extra_variables_win_but_not_over_magic_ones() -> None:
    extra = {"level": "extra", "inventory_hostname": "forged"}
    context = load("nested", extra_vars=extra).context("fra-2")
    assert context["level"] == "extra"
    assert context["inventory_hostname"] == "fra-2"


def test_group_variables_beside_the_playbook_win() -> None:
    inventory = load("vars_dirs")
    seen = inventory.with_playbook(FIXTURES / "playbook")
    assert seen.variables("gpu-2")["batch"] == 1000
    assert seen.variables("gpu-3")["batch"] == 1001
    assert seen.variables("buf-1")["from_playbook"] == "all"
    assert inventory.variables("gpu-2")["batch"] == 30


def test_a_returned_mapping_is_the_callers_own() -> None:
    inventory = load("nested")
    inventory.variables("fra-1")["level"] = "changed"
    assert inventory.variables("fra-1")["level"] == "rack"


def test_values_know_where_they_were_written() -> None:
    value = load("nested").variables("fra-1")["color"]
    path = FIXTURES / "nested" / "inventory.yml"
    assert location_of(value) == Location(str(path), 6, 36)


def test_groups_of_a_host_go_from_the_widest_to_the_nearest() -> None:
    hosts = load("nested").hosts
    assert hosts["fra-1"].groups == ("all", "europe", "frankfurt", "rack_a")


def test_localhost_exists_in_every_inventory() -> None:
    inventory = load("nested")
    variables = inventory.variables("localhost")
    assert variables["ansible_connection"] == "local"
    assert variables["only_all"] == 1
    assert "localhost" not in inventory.hosts
    assert inventory.context("localhost")["group_names"] == []


def test_an_unknown_host_is_an_error() -> None:
    with pytest.raises(UsageError, match="no host 'fra-3'") as caught:
        load("nested").variables("fra-3")
    assert "fra-" in (caught.value.hint or "")


def test_files_that_set_nothing_are_told() -> None:
    directory = FIXTURES / "vars_dirs" / "group_vars"
    assert load("vars_dirs").warnings() == [
        f"{directory}/shadowed.yml is not read, because {directory}/shadowed is",
        f"{directory}/unknown.yml sets nothing: there is no group 'unknown'",
    ]


def test_a_misspelt_file_of_variables_is_told(tmp_path: Path) -> None:
    (tmp_path / "hosts.yml").write_text("trainer: {hosts: {gpu-01.example.com: }}")
    for kind in ("group_vars", "host_vars"):
        (tmp_path / kind).mkdir()
    (tmp_path / "group_vars" / "trainers.yml").touch()
    (tmp_path / "host_vars" / "gpu-01.example.com").touch()
    (tmp_path / "host_vars" / "gpu-01.example.org.yml").touch()
    warnings = Inventory.load([tmp_path / "hosts.yml"]).warnings()
    assert [warning.partition("; ")[2] for warning in warnings] == [
        "did you mean 'trainer'?",
        "did you mean 'gpu-01.example.com'?",
    ]


def test_a_fault_in_group_vars_names_the_file(tmp_path: Path) -> None:
    (tmp_path / "hosts.yml").write_text("web: {hosts: {w1: }}")
    (tmp_path / "group_vars").mkdir()
    (tmp_path / "group_vars" / "web.yml").write_text("- a list\n")
    with pytest.raises(UsageError, match=r"web\.yml:1:1: a file of variables must be a mapping"):
        Inventory.load([tmp_path / "hosts.yml"]).variables("w1")
