"""``docs/playbooks.md`` names everything that exists."""

from __future__ import annotations

from pathlib import Path

from provision.playbook.keywords import LOOP_CONTROL, PLAY_KEYWORDS, TASK_KEYWORDS
from provision.playbook.modules import MODULES
from provision.templating.conditions import TESTS
from provision.templating.filters import FILTERS
from provision.templating.lookups import LOOKUPS

PAGE = (Path(__file__).parents[3] / "docs" / "playbooks.md").read_text()
SYNONYMS = {"d", "failure", "success", "successful", "change", "skip", "version_compare"}
SYNONYMS |= {"issubset", "issuperset"}


def test_keywords() -> None:
    for word in PLAY_KEYWORDS | TASK_KEYWORDS | LOOP_CONTROL:
        assert f"`{word}`" in PAGE


def test_modules_and_their_parameters() -> None:
    rows = {line.split("`")[1]: line for line in PAGE.splitlines() if line.startswith("| `")}
    assert set(rows) == set(MODULES)
    for name, module in MODULES.items():
        for word, parameter in module.parameters.items():
            text = "any name" if word == "*" else f"`{word}`"
            assert (f"**{text}**" if parameter.required else text) in rows[name]
            assert all(str(choice) in rows[name] for choice in parameter.choices)


def test_filters_tests_and_lookups() -> None:
    words = set(PAGE.replace("`", " ").split())
    assert (set(FILTERS) | set(TESTS) | set(LOOKUPS)) - SYNONYMS <= words
