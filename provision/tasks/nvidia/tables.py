"""The rules' data, each table read once."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

from provision.source import load_yaml, plain

_DATA = Path(__file__).parent / "data"


@cache
def table(name: str) -> dict[str, Any]:
    """Return ``data/<name>.yml``."""
    found = plain(load_yaml(_DATA / f"{name}.yml"))
    assert isinstance(found, dict)  # noqa: S101 - the files are ours
    return found


def rows(name: str) -> list[list[str]]:
    """Return the lines of ``data/<name>.tsv`` that are no comments, each as its columns."""
    text = (_DATA / f"{name}.tsv").read_text(encoding="utf-8")
    return [line.split("\t") for line in text.splitlines() if not line.startswith("#")]
