"""CUDA: a context opens on every GPU, on the host and in a container."""

from __future__ import annotations

import shlex

import pytest
from testinfra.backend.base import CommandResult
from testinfra.host import Host

from provision.verify.container import untagged
from provision.verify.demand import demand
from provision.verify.node import Node
from provision.verify.questions import Questions

pytestmark = pytest.mark.gpu

# cuInit, and a primary context on every device (CUDA Driver API; a CUresult of 0 is success).
_PROGRAM = """
import ctypes
cuda = ctypes.CDLL("libcuda.so.1")
count, context = ctypes.c_int(), ctypes.c_void_p()
results = [cuda.cuInit(0), cuda.cuDeviceGetCount(ctypes.byref(count))]
for device in range(count.value):
    results.append(cuda.cuDevicePrimaryCtxRetain(ctypes.byref(context), device))
print(count.value, *results)
"""
_ON_HOST = f"python3 -c {shlex.quote(_PROGRAM)}"
# The image as it is named, or whatever tag or digest of it the host has; nothing is pulled.
_IN_CONTAINER = (
    "id=$(docker image inspect -f '{{{{.Id}}}}' {image} 2>/dev/null ||"
    " docker image ls -q --no-trunc --filter reference={repository} | head -n 1);"
    ' [ -n "$id" ] || {{ echo "the image is not on this host"; exit 125; }};'
    " docker run --rm --network none --cap-drop ALL --security-opt no-new-privileges"
    ' --device nvidia.com/gpu=all --entrypoint python3 "$id" -c {program} 2>&1'
)
_FAULT = "See `dmesg | grep NVRM`; 802 means that the fabric manager does not run"
_WIRING = "Where it opens on the host itself: `nvidia-ctk cdi generate`, or deploy again"
_PATIENCE = 60.0  # seconds for a container, and a context on each of its GPUs


def questions(node: Node) -> Questions:
    """Return what is asked of hosts with GPUs."""
    if node.gpu_count == 0:
        return Questions()
    if not _image(node):
        return Questions(commands=(_ON_HOST,))
    return Questions(commands=(_ON_HOST, _in_container(node)), timeout=_PATIENCE)


def _image(node: Node) -> str:
    return str(node.variables["cuda_image"] or "")


def _in_container(node: Node) -> str:
    image = _image(node)
    return _IN_CONTAINER.format(
        image=shlex.quote(image),
        repository=shlex.quote(untagged(image)),
        program=shlex.quote(_PROGRAM),
    )


def test_host(host: Host, node: Node) -> None:
    """A CUDA context opens on every GPU."""
    if node.gpu_count == 0:
        pytest.skip("gpu_count is 0")
    _require_contexts(host.run(_ON_HOST), node.gpu_count, "", _FAULT)


def test_container(host: Host, node: Node) -> None:
    """A CUDA context opens on every GPU in a container."""
    if node.gpu_count == 0:
        pytest.skip("gpu_count is 0")
    if not _image(node):
        pytest.skip("no cuda_image is given")
    where = f" in a container of {_image(node)}"
    _require_contexts(host.run(_in_container(node)), node.gpu_count, where, _WIRING)


def _require_contexts(answer: CommandResult, number: int, where: str, todo: str) -> None:
    numbers = [int(word) for word in answer.stdout.split() if word.isdigit()]
    well = answer.rc == 0 and numbers[:1] == [number] and not any(numbers[1:])
    lines = (answer.stdout + answer.stderr).strip().splitlines()
    demand(
        f"{number} contexts{where}",
        found=[] if well else [f"count and CUDA results: {lines[-1] if lines else 'none'}"],
        todo=todo,
    )
