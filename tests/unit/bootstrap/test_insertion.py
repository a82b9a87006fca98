"""Hosts added to inventories as people write them: nothing else changes, not a space."""

from __future__ import annotations

import difflib

import pytest
import yaml

from provision.errors import UsageError
from provision.inventory.insertion import Entry, add_hosts

TRAINER = Entry("gpu-09", ("trainer",), {"ansible_host": "203.0.113.9", "ansible_user": "deploy"})
LINE = "gpu-09: {ansible_host: 203.0.113.9, ansible_user: deploy}"

# name: (the inventory, the lines that are added)
CASES = {
    "after the last host, and its variables": (
        """\
# ours
all:
  children:
    trainer:   # learns
      hosts:
        # the meeting point
        gpu-01:
          gpu_count: 8   # all of them
        # gpu-02 is being repaired

      vars: {x: 1}
    monitoring:
""",
        [f"        {LINE}"],
    ),
    "hosts in another order, keys after them": (
        "trainer:\n  hosts:\n    gpu-01: {a: 1,\n             b: 2}\n  vars:\n    c: 3\n",
        [f"    {LINE}"],
    ),
    "four columns a level": (
        "all:\n    children:\n        trainer:\n            vars: {x: 1}\n",
        ["            hosts:", f"                {LINE}"],
    ),
    "a group without anything": (
        "all:\n  children:\n    trainer:  # soon\n    # none yet\n    monitoring:\n",
        ["      hosts:", f"        {LINE}"],
    ),
    "hosts without any": (
        "all:\n  children:\n    trainer:\n      hosts:\n",
        [f"        {LINE}"],
    ),
    "a group that is new": (
        "all:\n  vars: {x: 1}\n  children:\n    monitoring:\n      hosts:\n        m:\n\n# end\n",
        ["    trainer:", "      hosts:", f"        {LINE}"],
    ),
    "no children yet": (
        "---\nall:\n  hosts:\n    a:\n",
        ["  children:", "    trainer:", "      hosts:", f"        {LINE}"],
    ),
    "groups at the top": (
        "monitoring:\n  hosts:\n    m-01:\n",
        ["trainer:", "  hosts:", f"    {LINE}"],
    ),
    "the group of several places that has hosts": (
        "gpu:\n  children:\n    trainer:\ntrainer:\n  hosts:\n    gpu-01:\nz:\n",
        [f"    {LINE}"],
    ),
    "a text of several lines at the end": (
        "trainer:\n  hosts:\n    gpu-01:\n      note: |\n        a\n\n        b\n\n# end\n",
        [f"    {LINE}"],
    ),
    "a list at the end": (
        "trainer:\n  hosts:\n    gpu-01:\n      gpus:\n      - a\n      - b # two\n",
        [f"    {LINE}"],
    ),
    "secrets": (
        "trainer:\n  hosts:\n    gpu-01:\n      p: !vault |\n        $ANSIBLE_VAULT;1.1;AES256\n"
        "        3031\n      q: !unsafe '{{'\n",
        [f"    {LINE}"],
    ),
    "no end of line at the end": ("trainer:\n  hosts:\n    gpu-01:", [f"    {LINE}"]),
}


def added_lines(old: str, new: str) -> list[str]:
    diff = list(difflib.ndiff(old.splitlines(), new.splitlines()))
    assert not [line for line in diff if line.startswith("- ")], new
    return [line[2:] for line in diff if line.startswith("+ ")]


@pytest.mark.parametrize("name", CASES)
def test_only_lines_are_added(name: str) -> None:
    old, lines = CASES[name]
    new = add_hosts(old, [TRAINER], "prod.yml")
    assert added_lines(old, new) == lines
    assert add_hosts(new, [TRAINER], "prod.yml") == new, "a second time changes something"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("trainer: {hosts: {gpu-01: }}\n", f"trainer: {{hosts: {{gpu-01: , {LINE} }}}}\n"),
        ("trainer: {hosts: {}}\n", f"trainer: {{hosts: {{{LINE}}}}}\n"),
        ("trainer: {vars: {a: 1} }\n", f"trainer: {{vars: {{a: 1}}, hosts: {{{LINE}}} }}\n"),
        (
            "all: {children: {m: {}}}\n",
            f"all: {{children: {{m: {{}}, trainer: {{hosts: {{{LINE}}}}}}}}}\n",
        ),
    ],
)
def test_on_one_line(old: str, new: str) -> None:
    assert add_hosts(old, [TRAINER], "prod.yml") == new


def test_an_empty_file_is_begun() -> None:
    assert add_hosts("# ours\n", [TRAINER, Entry("m", ("monitoring",)), Entry("x")], "p") == (
        "# ours\nall:\n  children:\n    trainer:\n      hosts:\n"
        f"        {LINE}\n    monitoring:\n      hosts:\n        m:\n  hosts:\n    x:\n"
    )


def test_variables_are_written_once() -> None:
    both = Entry("gpu-09", ("trainer", "model_server"), {"a": 1})
    text = add_hosts("", [both], "prod.yml")
    assert text.count("gpu-09: {a: 1}") == 1
    more = Entry("gpu-09", ("trainer", "agent_pool"), {"a": 1})
    assert added_lines(text, add_hosts(text, [more], "prod.yml")) == [
        "    agent_pool:",
        "      hosts:",
        "        gpu-09:",
    ]


def test_windows_line_ends_stay() -> None:
    text = add_hosts("trainer:\r\n  hosts:\r\n    gpu-01:\r\n", [TRAINER], "prod.yml")
    assert text.count("\r\n") == text.count("\n") == 4


def test_names_and_values_that_need_quotes() -> None:
    odd = Entry("2001:db8::7", (), {"note": "a: b", "yes": "no", "port": 2222})
    assert yaml.safe_load(add_hosts("", [odd], "p")) == {
        "all": {"hosts": {"2001:db8::7": {"note": "a: b", "yes": "no", "port": 2222}}}
    }


@pytest.mark.parametrize(
    "text",
    [
        "trainer:\n  hosts: gpu-01\n",
        "trainer:\n  hosts: {gpu-01: , # the first\n    }\n",
        "trainer: [gpu-01]\n",
        "base: &b\n  hosts:\n    a:\ntrainer: *b\n",
        "base: &b {hosts: {a: }}\ntrainer: {<<: *b}\n",
    ],
)
def test_what_cannot_be_edited_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="cannot be edited here") as caught:
        add_hosts(text, [TRAINER], "prod.yml")
    assert LINE in str(caught.value)
