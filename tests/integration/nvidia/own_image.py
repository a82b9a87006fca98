"""An image of this machine's own Python: for tests that must not depend on any registry."""

from __future__ import annotations

import io
import re
import subprocess
import sys
import sysconfig
import tarfile
from collections.abc import Iterator
from pathlib import Path

_LIBRARY = re.compile(r"(/\S+) \(0x[0-9a-f]+\)")
_PACKAGES = ("collections", "ctypes", "encodings", "importlib", "json", "lib-dynload", "re")


def python_image(name: str) -> str:
    """Make the image, and return its name; ``python3`` and ``ctypes`` run in it."""
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w", dereference=True) as archive:
        for path in sorted({*_programs(), *_standard_library()}):
            archive.add(path, arcname=str(path).lstrip("/"), recursive=False)
        archive.addfile(_link("usr/local/bin/python3", str(_python())))
        for directory in ("tmp", "dev", "proc", "sys", "etc"):
            entry = tarfile.TarInfo(directory)
            entry.type, entry.mode = tarfile.DIRTYPE, 0o755
            archive.addfile(entry)
    change = "ENV PATH=/usr/local/bin:/usr/bin:/bin"
    subprocess.run(
        ["docker", "import", "--change", change, "-", name],
        input=content.getvalue(),
        capture_output=True,
        check=True,
    )
    return name


def _python() -> Path:
    return Path(sys.base_prefix, "bin", f"python3.{sys.version_info.minor}").resolve()


def _link(name: str, target: str) -> tarfile.TarInfo:
    entry = tarfile.TarInfo(name)
    entry.type, entry.linkname = tarfile.SYMTYPE, target
    return entry


def _programs() -> Iterator[Path]:
    """Yield what runs, and the libraries that it is linked with, at the paths where it looks."""
    modules = Path(sysconfig.get_path("stdlib"), "lib-dynload")
    for program in (_python(), Path("/bin/ls"), *modules.glob("_ctypes.*.so")):
        yield program
        listed = subprocess.run(["ldd", program], capture_output=True, text=True, check=True).stdout
        yield from map(Path, _LIBRARY.findall(listed))


def _standard_library() -> Iterator[Path]:
    root = Path(sysconfig.get_path("stdlib"))
    yield from root.glob("*.py")
    for package in _PACKAGES:
        yield from (path for path in (root / package).rglob("*") if path.suffix in {".py", ".so"})
