"""NVIDIA's GPUs by their PCI device ids: what drives them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Literal

from provision.tasks.nvidia.tables import rows, table

Flavour = Literal["open", "proprietary"]
"""Which of the driver's two sets of kernel modules."""

_NONE = "-"


@dataclass(frozen=True)
class Gpu:
    """A model of GPU.

    Args:
        device: the PCI device id, such as "2237".
        name: as on the board.
        architecture: a name of ``architectures.yml``, "unknown" for what ``gpus.tsv`` lacks.
        modules: the kernel modules that drive it.
        first, last: the oldest and the newest driver branch that do; None: every one.

    """

    device: str
    name: str
    architecture: str
    modules: tuple[Flavour, ...]
    first: int | None = None
    last: int | None = None


def gpu(device: str) -> Gpu:
    """Return the model with a PCI device id; one that is not listed is newer than the list."""
    return _models().get(device) or _model(device, "unknown", _NONE, _NONE, f"10de:{device}")


def is_known(device: str) -> bool:
    """Tell whether a PCI device id is listed as a GPU's."""
    return device in _models()


def names(gpus: Sequence[Gpu]) -> str:
    """Return the names of models, each once."""
    return ", ".join(dict.fromkeys(model.name for model in gpus))


def _model(device: str, architecture: str, first: str, modules: str, name: str) -> Gpu:
    rules = table("architectures")[architecture]
    return Gpu(
        device,
        name,
        architecture,
        tuple(rules["modules"]) if modules == _NONE else ("open",),
        None if first == _NONE else int(first),
        rules.get("last"),
    )


@cache
def _models() -> dict[str, Gpu]:
    return {row[0]: _model(*row) for row in rows("gpus")}
