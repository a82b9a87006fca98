"""Our output beside that of the real ``ansible-inventory``, over many inventories."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner

from provision.cli.inventory import command
from provision.inventory.inventory import Inventory
from provision.stack.roles import EVERY_HOST, ROLES
from tests.unit.inventory.places import FIXTURES, VAULT_PASSWORD_FILE

INVENTORIES = {
    "flat": ["flat/inventory.yml"],
    "nested": ["nested/inventory.yml"],
    "diamond": ["diamond/inventory.yml"],
    "priority": ["priority/inventory.yml"],
    "ranges": ["ranges/inventory.yml"],
    "aliases": ["aliases/inventory.yml"],
    "empty_groups": ["empty_groups/inventory.yml"],
    "vars_dirs": ["vars_dirs/inventory.yml"],
    "directory": ["directory"],
    "two_sources": ["nested/inventory.yml", "overlay"],
    "two_sources_reversed": ["overlay/20-more.yml", "nested/inventory.yml"],
    "stack": ["stack/inventory.yml"],
    "no_extension": ["no_extension/hosts"],
    "vault": ["vault/inventory.yml"],
    "vault_file": ["vault_file/inventory.yml"],
}
EXAMPLE = Path(__file__).parents[3] / "inventory" / "example" / "hosts.yml"
HOST_LIST = ["-i", "web1,web2:2222,[2001:db8::1]:22,10.0.0.1,"]


def sources(name: str) -> list[str]:
    arguments = [part for source in INVENTORIES[name] for part in ("-i", str(FIXTURES / source))]
    if name.startswith("vault"):
        arguments += ["--vault-password-file", str(VAULT_PASSWORD_FILE)]
    return arguments


def ours(*arguments: str) -> str:
    result = CliRunner().invoke(command, arguments, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.stdout.removesuffix("\n")


@pytest.mark.parametrize("name", INVENTORIES)
def test_list(name: str, ansible_inventory: Callable[..., str]) -> None:
    arguments = [*sources(name), "--list"]
    assert ours(*arguments) == ansible_inventory(*arguments)


# Not `vault`: there Ansible shows nested values by their internal representation.
@pytest.mark.parametrize("name", [name for name in INVENTORIES if name != "vault"])
def test_graph_with_variables(name: str, ansible_inventory: Callable[..., str]) -> None:
    arguments = [*sources(name), "--graph", "--vars"]
    assert ours(*arguments) == ansible_inventory(*arguments)


@pytest.mark.parametrize(
    "arguments",
    [
        [*sources("diamond"), "--host", "gpu-1"],
        [*sources("vars_dirs"), "--host", "gpu-1", "--yaml"],
        [*sources("vault"), "--host", "gpu-1"],
        [*sources("vault"), "--host", "gpu-1", "--yaml"],
        [*sources("stack"), "--graph", "eu"],
        [*sources("stack"), "--list", "--limit", "eu:!trainer"],
        [*sources("stack"), "--list", "--yaml", "--limit", "gpu-01,mon-01"],
        [*sources("nested"), "--list", "-e", "color=black size='1 2'", "-e", '{"level": [1]}'],
        [*sources("nested"), "--list", "-e", f"@{FIXTURES / 'vars_dirs/group_vars/all.yml'}"],
        [*sources("vars_dirs"), "--list", "--playbook-dir", str(FIXTURES / "playbook")],
        [*sources("stack"), "--host", "localhost"],
        ["-i", str(EXAMPLE), "--list"],
        [*HOST_LIST, "--list"],
        [*HOST_LIST, "--graph"],
    ],
    ids=lambda arguments: " ".join(arguments).replace(str(FIXTURES), ""),
)
def test_options(arguments: list[str], ansible_inventory: Callable[..., str]) -> None:
    assert ours(*arguments) == ansible_inventory(*arguments)


def test_the_example_has_every_role() -> None:
    inventory = Inventory.load([EXAMPLE])
    assert not inventory.warnings()
    assert all(inventory.match(role) for role in ROLES if role != EVERY_HOST)


def test_yaml_is_equal_without_anchors(ansible_inventory: Callable[..., str]) -> None:
    arguments = [*sources("flat"), "--list", "--yaml"]
    text = ours(*arguments)
    assert "&id001" not in text
    assert yaml.safe_load(text) == yaml.safe_load(ansible_inventory(*arguments))
