"""The three forms of ``-e``; how pairs are read is held beside Ansible in ``tests/local``."""

from __future__ import annotations

from pathlib import Path

import pytest

from provision.errors import UsageError
from provision.inventory.extra_vars import parse_extra_vars
from provision.templating import Templater


def test_the_later_option_wins(tmp_path: Path) -> None:
    (tmp_path / "more.yml").write_text("a: [1]\nb: file\n")
    options = ["a=first b=first c=first", f"@{tmp_path / 'more.yml'}", '{"b": {"json": true}}']
    assert parse_extra_vars(options) == {"a": [1], "b": {"json": True}, "c": "first"}


def test_a_value_may_be_a_template() -> None:
    variables = parse_extra_vars(["port={{ base + 1 }}", '{"base": 8}'])
    assert Templater(variables).render("{{ port }}") == 9


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ("novalue", "has no value"),
        ("a=1 novalue", "'novalue' has no value"),
        ("", "cannot be read"),
        ("a='open", "cannot be read"),
        ("/etc/vars.yml", "names a file"),
        ("./vars.yml", "names a file"),
        ("[1, 2]", "is no mapping"),
        ("{a: ", "not valid YAML"),
        ("@missing.yml", "missing.yml: cannot be read"),
        ("my-name=1", "'my-name' cannot be the name of a variable"),
        ("=1", "'' cannot be the name of a variable"),
    ],
)
def test_refused(option: str, message: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_extra_vars([option])
    assert message in str(caught.value)
