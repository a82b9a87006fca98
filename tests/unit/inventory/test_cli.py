"""The command itself; what it prints is held beside Ansible's in ``test_side_by_side``."""

from __future__ import annotations

import subprocess
import sys

import pytest
from click.testing import CliRunner

from provision.cli.inventory import command
from provision.errors import UsageError

from .places import FIXTURES

STACK = ["-i", str(FIXTURES / "stack" / "inventory.yml")]


@pytest.mark.parametrize("actions", [[], ["--list", "--graph"], ["--list", "--host", "gpu-01"]])
def test_one_action_must_be_chosen(actions: list[str]) -> None:
    result = CliRunner().invoke(command, [*STACK, *actions])
    assert result.exit_code != 0
    assert "choose one of --list, --host HOST and --graph" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--host", "gpu-9"], "'gpu-9' is no host or group"),
        (["--host", "trainer"], "--host needs one host, but 'trainer' names 4"),
        (["--graph", "trainr"], "there is no group 'trainr'"),
        (["--list", "--limit", "gpu-9"], "'gpu-9' is no host or group"),
        (["--list", "-e", "oops"], "has no value"),
    ],
)
def test_wrong_names_are_usage_errors(arguments: list[str], message: str) -> None:
    result = CliRunner().invoke(command, [*STACK, *arguments])
    assert isinstance(result.exception, UsageError)
    assert message in str(result.exception)


def test_importing_the_command_is_cheap() -> None:
    heavy = {"yaml", "cryptography", "jinja2", "provision.inventory.inventory"}
    program = "import sys, provision.cli.inventory; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert not heavy & set(done.stdout.split())
