"""Modules take the parameters that Ansible's take."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from provision.playbook.modules import MODULES

OURS = {"merge_json"}
OF_OTHER_COLLECTIONS = {"authorized_key", "modprobe", "mount", "sysctl", "timezone"}
ANSIBLES = sorted(set(MODULES) - OURS - OF_OTHER_COLLECTIONS)


@pytest.fixture(scope="module")
def ansible() -> dict[str, Any]:
    """Return Ansible's own documentation of the modules that ansible-core has."""
    beside = Path(sys.executable).with_name("ansible-doc")
    program = str(beside) if beside.exists() else shutil.which("ansible-doc")
    if program is None:
        pytest.skip("ansible-core is not installed")
    done = subprocess.run(
        [program, "--json", *ANSIBLES], capture_output=True, text=True, timeout=120, check=True
    )
    pages = json.loads(done.stdout)
    return {name.rpartition(".")[2]: page["doc"]["options"] for name, page in pages.items()}


@pytest.mark.parametrize("name", [name for name in ANSIBLES if name != "set_fact"])
def test_parameters_are_those_of_ansible(name: str, ansible: dict[str, Any]) -> None:
    theirs = ansible[name]
    for word, parameter in MODULES[name].parameters.items():
        assert word in theirs
        option = theirs[word]
        assert set(parameter.aliases) <= set(option.get("aliases", []))
        assert parameter.required == option.get("required", False)
        if option.get("choices"):
            assert set(parameter.choices) <= set(option["choices"])
        assert parameter.type in {option.get("type", "str"), "raw", "path"}
