"""Labs of tests: each is one process' own, and gone when the tests are done."""

from __future__ import annotations

import os
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from provision.lab.lab import Lab

_CHECKOUT = f"{zlib.crc32(os.fsencode(Path(__file__).parents[1])) & 0xFFF:03x}"


def lab_name(purpose: str) -> str:
    """Return a lab's name that no other checkout, and no other worker of this run, has.

    A later run of the same worker has it again, so that it finds what an interrupted one has left.
    """
    worker = os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")
    return f"pt-{_CHECKOUT}-{worker}-{purpose}"


@contextmanager
def lab_for(purpose: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """Yield a lab without hosts; what an interrupted run has left of it is removed.

    Who works on the tests may keep a lab up between runs: ``PROVISION_TEST_LAB`` is its directory.

    Args:
        purpose: what is tested on it, in a word.
        tmp_path_factory: says where its keys go.

    """
    if kept := os.environ.get("PROVISION_TEST_LAB"):
        yield Lab(Path(kept).name, Path(kept))
        return
    lab = Lab(lab_name(purpose), tmp_path_factory.mktemp(purpose) / ".lab")
    lab.down()
    try:
        yield lab
    finally:
        lab.down()
