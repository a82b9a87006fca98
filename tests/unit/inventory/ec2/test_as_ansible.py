"""Our listing beside that of Ansible's own plugin, recorded: see ``record.py``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from provision.inventory.ec2.cache import from_json
from provision.inventory.ec2.config import read_config
from provision.inventory.ec2.query import Answer, Found
from provision.inventory.ec2.source import populate
from provision.inventory.graph import Graph
from provision.inventory.inventory import Inventory
from provision.inventory.output import list_json
from provision.source import load_yaml, parse_yaml, plain

from .listing import Listing, descriptions, reduced

FIXTURES = Path(__file__).parents[3] / "fixtures" / "ec2"
CASES: Any = plain(load_yaml(FIXTURES / "cases.yml"))
TEXT = (FIXTURES / "recorded.json").read_text()
EXPECTED: Any = json.loads(TEXT)["cases"]
INSTANCES: Any = json.loads(TEXT, object_hook=from_json)["instances"]


def listing(name: str, options: str) -> Listing:
    data: Any = parse_yaml(f"plugin: aws_ec2\n{options}", "case.aws_ec2.yml")
    asked_state = "instance-state-name" in options
    found = (
        Found(**{**INSTANCES[one], "asked_state": asked_state}) for one in EXPECTED[name]["found"]
    )
    graph = Graph()
    config = read_config(data, Path("case.aws_ec2.yml"))
    populate(graph, config, Answer(tuple(found), notices=()))
    listed: Listing = json.loads(list_json(Inventory(graph)))
    return listed


PLAIN = listing(CASES[0]["name"], CASES[0]["file"])


@pytest.mark.parametrize("case", CASES[1:], ids=lambda case: case["name"])
def test_listing(case: dict[str, Any]) -> None:
    ours = listing(case["name"], case["file"])
    assert reduced(ours, descriptions(PLAIN)) == EXPECTED[case["name"]]["listing"]


def test_plain_listing() -> None:
    assert EXPECTED[CASES[0]["name"]]["listing"] == PLAIN
