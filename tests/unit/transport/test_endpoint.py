"""What a host's variables amount to, case by case."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from provision.errors import UsageError
from provision.transport.endpoint import endpoint_of

CASES = yaml.safe_load((Path(__file__).parent / "endpoints.yaml").read_text())


@pytest.mark.parametrize("case", CASES, ids=[case["case"] for case in CASES])
def test_variables(case: dict[str, Any]) -> None:
    host = case.get("host", "h1")
    if "error" in case:
        with pytest.raises(UsageError) as caught:
            endpoint_of(host, case["variables"])
        assert case["error"] in caught.value.message
        assert case.get("hint", "") in (caught.value.hint or "")
        return
    endpoint = endpoint_of(host, case["variables"])
    found = {name: plain(getattr(endpoint, name)) for name in case["endpoint"]}
    assert found == case["endpoint"]


def plain(value: object) -> object:
    return [str(each) for each in value] if isinstance(value, tuple) else value


def test_home_directories_are_found() -> None:
    endpoint = endpoint_of("h1", {"ansible_ssh_private_key_file": "~/.ssh/lab"})
    assert endpoint.key_files == (Path.home() / ".ssh/lab",)


def test_passwords_are_not_shown() -> None:
    endpoint = endpoint_of("h1", {"ansible_password": "s3cret", "ansible_become_password": "t0p"})
    assert "s3cret" not in repr(endpoint)
    assert "t0p" not in repr(endpoint)
