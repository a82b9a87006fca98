"""The GPUs of one host."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

_FIELDS = "index,name,utilization.gpu,memory.used,memory.total,temperature.gpu"
GPUS = (
    "command -v nvidia-smi >/dev/null || exit 0;"
    f" nvidia-smi --query-gpu={_FIELDS} --format=csv,noheader,nounits"
)


@dataclass(frozen=True)
class Gpu:
    """What ``nvidia-smi`` says of one GPU; use in per cent, memory in MiB, degrees Celsius."""

    index: str
    name: str
    utilization: str
    memory_used: str
    memory_total: str
    temperature: str


def gpus_of(answer: Mapping[str, Any]) -> tuple[tuple[Gpu, ...], str]:
    """Return the GPUs that ``GPUS`` has printed, and why it could not, if so."""
    if answer["rc"] != 0:
        text = " ".join((answer["stdout"] + answer["stderr"]).split())
        return (), f"nvidia-smi: {text[:200]}"
    rows = [[cell.strip() for cell in row.split(",")] for row in answer["stdout"].splitlines()]
    return tuple(Gpu(*row) for row in rows if len(row) == len(_FIELDS.split(","))), ""
