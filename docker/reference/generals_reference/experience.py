"""What one experience is: a fragment of one seat's game, as named tensors.

A fragment has T moves and T + 1 observations (the last one is what came after the last move).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from generals_reference.v1 import buffer_pb2

Tensors = dict[str, NDArray[Any]]


class Malformed(ValueError):
    """An experience that cannot be learnt from; the text says which tensor and why."""


@dataclass(frozen=True)
class Field:
    """How a tensor must look: its dtype, its axes after time, and whether it has T + 1 entries."""

    dtype: str
    axes: tuple[str, ...] = ()
    observed: bool = False


FIELDS: Mapping[str, Field] = {
    "action": Field("int32"),  # first: it tells the number of steps
    "army": Field("int32", ("height", "width"), observed=True),
    "owner": Field("int8", ("height", "width"), observed=True),  # 0 mine, 1 another's, -1, -2
    "terrain": Field("uint8", ("height", "width"), observed=True),
    "score": Field("int32", ("scores",), observed=True),  # my land, my armies, others' land, armies
    "tick": Field("int32", observed=True),
    "logp": Field("float32"),  # log probability that the acting policy gave to the action
    "reward": Field("float32"),
    "done": Field("bool"),  # the game ended with this move
}


def pack(tensors: Tensors, **fields: Any) -> buffer_pb2.Experience:
    """An Experience message of `tensors`."""
    return buffer_pb2.Experience(
        tensors=[
            buffer_pb2.Tensor(
                name=name, dtype=str(array.dtype), shape=array.shape, data=array.tobytes()
            )
            for name, array in tensors.items()
        ],
        **fields,
    )


def unpack(experience: buffer_pb2.Experience) -> Tensors:
    """The tensors of a message. Raises Malformed unless they are exactly FIELDS, well formed."""
    if not experience.id or len(experience.id) > 128:
        raise Malformed("the id is empty or longer than 128 characters")
    tensors = {tensor.name: _array(tensor) for tensor in experience.tensors}
    if set(tensors) != set(FIELDS) or len(experience.tensors) != len(FIELDS):
        raise Malformed(f"tensors are {sorted(tensors)}, expected {sorted(FIELDS)}")
    sizes: dict[str, int] = {}
    for name, field in FIELDS.items():
        _check(name, tensors[name], field, sizes)
    return tensors


def _array(tensor: buffer_pb2.Tensor) -> NDArray[Any]:
    expected = FIELDS.get(tensor.name)
    if expected is None:
        raise Malformed(f"tensor {tensor.name!r} is none of {sorted(FIELDS)}")
    if tensor.dtype != expected.dtype:
        raise Malformed(f"tensor {tensor.name!r} is {tensor.dtype!r}, expected {expected.dtype}")
    dtype, shape = np.dtype(expected.dtype), tuple(tensor.shape)
    needed = dtype.itemsize * int(np.prod(shape, dtype=object))
    if len(tensor.data) != needed:
        raise Malformed(
            f"tensor {tensor.name!r} has {len(tensor.data)} bytes, "
            f"expected {needed} for {expected.dtype}{list(shape)}"
        )
    return np.frombuffer(tensor.data, dtype).reshape(shape)


def _check(name: str, array: NDArray[Any], field: Field, sizes: dict[str, int]) -> None:
    """Hold the shape of `array` against those before it; `sizes` collects the named axes."""
    axes = ("observations" if field.observed else "steps", *field.axes)
    if array.ndim != len(axes) or 0 in array.shape:
        raise Malformed(f"tensor {name!r} has shape {list(array.shape)}, expected {list(axes)}")
    for axis, size in zip(axes, array.shape, strict=True):
        if sizes.setdefault(axis, size) != size:
            raise Malformed(f"tensor {name!r} has {size} {axis}, expected {sizes[axis]}")
    sizes.setdefault("observations", sizes["steps"] + 1)
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        raise Malformed(f"tensor {name!r} is not finite")
