from __future__ import annotations

import shutil
from pathlib import Path

import pytest

FIXTURE = Path(__file__).parents[2] / "fixtures" / "user-source"


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A source tree of the user's, outside Git, to do anything to."""
    return shutil.copytree(FIXTURE, tmp_path / "generals")
