"""Parameters written as text are read as Ansible reads them."""

from __future__ import annotations

import pytest

from provision.errors import UsageError
from provision.playbook.modules import MODULES
from provision.playbook.short_form import parse_text

PAIRS = [
    "name=curl state=present",
    "name=curl,git   state=present",
    "path=/a line='a b'",
    'path=/a line="a b"',
    "path=/a line=\"a 'b' c\"",
    "path=/a line=a=b",
    "path=/a line='x = \"y\"'",
    "name={{ a b }} state={{ c | default('x y') }}",
    "name=\"{{ a | default('b c') }}\"",
    "path=/a\nstate=absent\n",
    "name=",
    "msg='it is {% if a %}yes and{% endif %} no'",
]
COMMANDS = [
    "echo hi",
    "echo   two  spaces",
    "touch /a creates=/a",
    "creates=/a touch /a",
    "touch /a creates='/a b' chdir=/tmp",
    'echo "creates=/a"',
    "env A=1 B='x y' sh",
    "echo {{ a | default('b c') }} removes={{ x y }}",
    "ls | grep 'a b' > /x",
    "dd if=/dev/zero of=/x",
    "executable=/bin/bash echo $0",
    "echo \\\n  hi",
    "set -e\necho one\necho two",
]


@pytest.mark.parametrize("text", PAIRS)
def test_pairs(text: str) -> None:
    splitter = pytest.importorskip("ansible.parsing.splitter", reason="ansible-core is missing")
    assert parse_text(text, MODULES["set_fact"].parameters) == splitter.parse_kv(text)


@pytest.mark.parametrize("text", COMMANDS)
def test_commands(text: str) -> None:
    splitter = pytest.importorskip("ansible.parsing.splitter", reason="ansible-core is missing")
    theirs = splitter.parse_kv(text, check_raw=True)
    theirs["cmd"] = theirs.pop("_raw_params")
    assert parse_text(text, MODULES["shell"].parameters) == theirs


def test_text_without_a_name() -> None:
    with pytest.raises(UsageError, match="'curl git' sets no parameter"):
        parse_text("curl state=present git", MODULES["apt"].parameters)
