"""Ansible's own tools, run on the fixtures, to hold our answers beside theirs."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

_ANSIBLE_SERVER = Path(__file__).with_name("ansible_server.py")


def _environment(home: Path) -> dict[str, str]:
    kept = {key: value for key, value in os.environ.items() if not key.startswith("ANSIBLE_")}
    (home / "ansible.cfg").write_text("[defaults]\n")
    settings = {"ANSIBLE_CONFIG": str(home / "ansible.cfg"), "ANSIBLE_NOCOLOR": "1"}
    return {**kept, **settings, "LC_ALL": "C.UTF-8", "HOME": str(home)}


@pytest.fixture(scope="session")
def ansible(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Any]]:
    """Return what has a request answered by Ansible, see ``ansible_server.py``.

    It runs in an empty directory, since Ansible reads the ``group_vars/`` of where it is run.
    """
    if importlib.util.find_spec("ansible") is None:
        pytest.skip("ansible-core, the tool to compare with, is not installed")
    home = tmp_path_factory.mktemp("ansible")
    with subprocess.Popen(
        [sys.executable, str(_ANSIBLE_SERVER)],
        cwd=home,
        env=_environment(home),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as server:
        assert server.stdin is not None
        assert server.stdout is not None
        requests, answers = server.stdin, server.stdout

        def ask(what: str, *arguments: Any) -> Any:
            print(json.dumps([what, arguments]), file=requests, flush=True)
            failure, answer = json.loads(answers.readline())
            assert not failure, failure
            return answer

        yield ask
        requests.close()


@pytest.fixture(scope="session")
def ansible_inventory(ansible: Callable[..., Any]) -> Callable[..., str]:
    """Return what runs ``ansible-inventory`` and returns its output, or fails with its errors."""

    def run(*arguments: str) -> str:
        return str(ansible("ansible-inventory", *arguments)).removesuffix("\n")

    return run
