"""The cells of ``matrix.yml``."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import yaml

_DATA = Path(__file__).with_name("matrix.yml")
WHOLE = os.environ.get("PROVISION_FAULTS") == "whole"


@dataclass(frozen=True)
class Cell:
    """A fault in a phase, and how the run ends."""

    fault: str
    phase: str
    exit: tuple[int, ...] = ()
    says: str = ""
    serves: str = ""
    quick: bool = False
    reason: str = ""  # why there is no such cell

    def __str__(self) -> str:
        return f"{self.fault}-{self.phase}"


def every() -> Iterator[Cell]:
    """Yield all cells, the impossible ones, too."""
    data = yaml.safe_load(_DATA.read_text(encoding="utf-8"))
    for fault, rows in data["faults"].items():
        for phase in data["phases"]:
            given = rows.get(phase, rows["each"])
            reason = given.get("not", "")
            rest = {name: value for name, value in given.items() if name != "not"}
            rest["exit"] = tuple(rest.get("exit", ()))
            yield Cell(fault, phase, reason=reason, **rest)


def selected() -> list[Cell]:
    """Return the cells that this test run takes."""
    return [cell for cell in every() if not cell.reason and (cell.quick or WHOLE)]
