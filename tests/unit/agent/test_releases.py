"""What a host makes of its history."""

from __future__ import annotations

import resource
from pathlib import Path
from typing import Any

import pytest

from provision.agent.failure import Failure
from provision.agent.releases import past
from provision.agent.system import System


def steps(*lines: str) -> list[dict[str, Any]]:
    """Return lines of history; each is ``action release``."""
    pairs = (line.partition(" ") for line in lines)
    return [{"action": action, "release": release} for action, _, release in pairs]


@pytest.mark.parametrize(
    ("lines", "current", "expected"),
    [
        ([], "", []),
        (["deploy a", "deploy b"], "b", ["a", "b"]),
        (["deploy a", "deploy b", "deploy c", "rollback b"], "b", ["a", "b"]),
        (["deploy a", "deploy b", "rollback a", "deploy c"], "c", ["a", "c"]),
        (["deploy a", "deploy b", "undo a"], "a", ["a"]),
        (["deploy a", "failed b"], "a", ["a"]),
        (["deploy a", "deploy b", "rollback z"], "z", ["a", "b", "z"]),
        (["deploy a", "deploy b"], "c", ["a", "b", "c"]),  # killed before the line was written
        (["deploy a", "destroy ", "deploy b"], "b", ["b"]),
        (["deploy a", "deploy b", "deploy a", "rollback b"], "b", ["a", "b"]),
    ],
)
def test_what_going_back_walks_along(lines: list[str], current: str, expected: list[str]) -> None:
    assert past(steps(*lines), current) == expected


def test_a_line_that_was_torn_does_not_spoil_the_next(tmp_path: Path) -> None:
    path = tmp_path / "history.jsonl"
    path.write_text('{"a": 1}\n{"b"')
    System().append_line(str(path), '{"c": 3}')
    assert path.read_text().splitlines() == ['{"a": 1}', '{"b"', '{"c": 3}']


def test_a_disk_that_takes_the_beginning_of_a_line_keeps_none_of_it(tmp_path: Path) -> None:
    path = tmp_path / "history.jsonl"
    path.write_text('{"a": 1}\n')
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (12, hard))
    try:
        with pytest.raises(Failure, match="File too large"):
            System().append_line(str(path), '{"b": 2}')
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert path.read_text() == '{"a": 1}\n'
