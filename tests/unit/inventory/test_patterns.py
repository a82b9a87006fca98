"""Host patterns that we refuse; what others select is held beside Ansible in ``tests/local``."""

from __future__ import annotations

from typing import Any

import pytest

from provision.errors import UsageError
from provision.inventory.inventory import Inventory
from provision.inventory.patterns import NoHostsError
from provision.source import load_yaml, plain

from .places import FIXTURES

STACK = FIXTURES / "stack" / "inventory.yml"
TABLE: Any = plain(load_yaml(FIXTURES / "patterns.yml"))


@pytest.fixture(scope="module")
def inventory() -> Inventory:
    return Inventory.load([STACK])


def names(inventory: Inventory, pattern: str, limit: str | None = None) -> list[str]:
    return [host.name for host in inventory.match(pattern, limit)]


@pytest.mark.parametrize("case", TABLE["refused"], ids=lambda case: repr(case["pattern"]))
def test_refused(inventory: Inventory, case: dict[str, str]) -> None:
    with pytest.raises(UsageError) as caught:
        inventory.match(case["pattern"], case.get("limit"))
    assert case["message"] in caught.value.message
    assert case.get("hint", "") in (caught.value.hint or "")


def test_an_empty_choice_can_be_told_from_a_wrong_name(inventory: Inventory) -> None:
    with pytest.raises(NoHostsError):
        inventory.match("trainer", "mon-01")
    with pytest.raises(UsageError) as caught:
        inventory.match("trainer", "mon-1")
    assert not isinstance(caught.value, NoHostsError)


def test_a_host_list_may_name_ipv6_addresses() -> None:
    inventory = Inventory.load(["2001:db8::1,2001:db8::2,"])
    assert names(inventory, "2001:db8::1") == ["2001:db8::1"]
