"""Patterns, limits, ``-e`` and magic variables, beside what Ansible makes of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from provision.inventory.extra_vars import parse_extra_vars
from provision.inventory.inventory import Inventory
from provision.source import load_yaml, plain
from tests.unit.inventory.places import FIXTURES

STACK = FIXTURES / "stack" / "inventory.yml"
PATTERNS: Any = plain(load_yaml(FIXTURES / "patterns.yml"))
PAIRS = [
    "a=1",
    "a=1 b=two  c=",
    "a='x y' b=\"x y\"",
    "a=x=y",
    'a="{{ b + c }}" d={{ e }}',
    "a={{ b | default('x y') }}",
    "a={% if b %}c{% endif %}",
    r"a=x\ny b=tab\tend",
    r"a='it\'s'",
    "path=C:/x url=http://h/?q=1",
    "a='{\"k\": 1}'",
    'a="grün ü"',
    "a=pre'q r'post",
]
MAGIC_CASES = [
    ("diamond", "gpu-1"),
    ("flat", "bastion.example.com"),
    ("flat", "10.0.0.7"),
    ("nested", "fra-2"),
    ("stack", "lone"),
]


@pytest.fixture(scope="module")
def inventory() -> Inventory:
    return Inventory.load([STACK])


def names(inventory: Inventory, pattern: str, limit: str | None = None) -> list[str]:
    return [host.name for host in inventory.match(pattern, limit)]


def test_patterns_select_the_same_hosts(inventory: Inventory, ansible: Callable[..., Any]) -> None:
    pairs = [[pattern, None] for pattern in PATTERNS["matches"]]
    expected = ansible("select", str(STACK), pairs)
    assert {pattern: names(inventory, pattern) for pattern, _ in pairs} == {
        pattern: hosts for (pattern, _), hosts in zip(pairs, expected, strict=True)
    }


def test_limits_select_the_same_hosts(
    inventory: Inventory, ansible: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(FIXTURES)
    pairs = PATTERNS["limits"]
    there = [[pattern, limit.replace("@", f"@{FIXTURES}/")] for pattern, limit in pairs]
    expected = ansible("select", str(STACK), there)
    assert [names(inventory, *pair) for pair in pairs] == expected


def test_pairs_are_read_alike(ansible: Callable[..., Any]) -> None:
    expected = ansible("pairs", PAIRS)
    assert [parse_extra_vars([text]) for text in PAIRS] == expected


@pytest.mark.parametrize(("name", "host"), MAGIC_CASES)
def test_magic_variables(name: str, host: str, ansible: Callable[..., Any]) -> None:
    source = FIXTURES / name / "inventory.yml"
    expected = ansible("magic", str(source), host)
    context = Inventory.load([source]).context(host)
    # Below the second level Ansible orders the hosts of a group by chance.
    expected["groups"] = {group: sorted(hosts) for group, hosts in expected["groups"].items()}
    context["groups"] = {group: sorted(hosts) for group, hosts in context["groups"].items()}
    assert {key: context[key] for key in expected} == expected
