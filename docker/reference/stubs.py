"""Write the Python code of the protobuf definitions beside them.

``python stubs.py`` uses grpcio-tools where it is installed, else ``protoc`` and
``grpc_python_plugin`` (Debian's protobuf-compiler-grpc). The generated files are not kept in git:
they must fit the protobuf runtime beside which they run.
"""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
PROTOS = sorted((HERE / "generals_reference" / "v1").glob("*.proto"))


def compiler() -> list[str]:
    """The protobuf compiler's command, able to write gRPC code for Python."""
    if importlib.util.find_spec("grpc_tools"):
        return [sys.executable, "-m", "grpc_tools.protoc"]
    plugin = shutil.which("grpc_python_plugin")
    if shutil.which("protoc") and plugin:
        return ["protoc", f"--plugin=protoc-gen-grpc_python={plugin}"]
    sys.exit(
        "no protobuf compiler: pip install grpcio-tools, or apt install protobuf-compiler-grpc"
    )


def stale() -> bool:
    """Whether a definition is newer than the code generated from it."""
    newest = max(proto.stat().st_mtime for proto in PROTOS)
    written = [proto.with_name(proto.stem + "_pb2_grpc.py") for proto in PROTOS]
    return not all(path.exists() and path.stat().st_mtime >= newest for path in written)


def generate() -> None:
    outputs = [f"-I{HERE}", f"--python_out={HERE}", f"--grpc_python_out={HERE}"]
    subprocess.run([*compiler(), *outputs, *map(str, PROTOS)], check=True)


if __name__ == "__main__":
    generate()
