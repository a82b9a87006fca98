"""Everything that can be wrong with an EC2 inventory is said before AWS is asked."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from provision.errors import UsageError
from provision.inventory.ec2.config import KNOWN, NOT_SUPPORTED
from provision.inventory.inventory import Inventory
from provision.source import load_yaml, plain

FIXTURES = Path(__file__).parents[3] / "fixtures" / "ec2"
CASES: Any = plain(load_yaml(FIXTURES / "refused.yml"))
PAGE = (Path(__file__).parents[4] / "docs" / "ec2.md").read_text()


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_refused(case: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    path = tmp_path / "prod.aws_ec2.yml"
    path.write_text(case["file"])
    with pytest.raises(UsageError) as caught:
        Inventory.load([path])
    error = caught.value
    assert case["message"] in error.message
    assert case.get("hint", "") in (error.hint or "")
    assert error.where is not None
    assert (error.where.path, error.where.line) == (str(path), case["line"])


def test_every_option_is_documented() -> None:
    for option in [*KNOWN, *NOT_SUPPORTED]:
        assert f"`{option}`" in PAGE
