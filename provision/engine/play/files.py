"""``copy`` and ``template``: files of this machine become resources of the host."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from provision.agent.resources.copy import Copy
from provision.agent.resources.directory import Directory
from provision.engine.play.steps import Step
from provision.playbook.modules.modes import with_mode
from provision.templating import Templater

Parameters = Mapping[str, Any]

_INLINE = 65536  # bytes; a larger file travels only where its hash differs
_NOT_OF_THE_FILE = {"src", "dest", "content", "remote_src"}


def rendered_file(given: Parameters, templater: Templater) -> Step:
    """Return the file that a template makes on the host."""
    source = templater.find(given["src"], "templates")
    text = templater.render_file(source)
    return Step(Copy(content=text, dest=given["dest"], **_fields(given, source)))


def copied(given: Parameters, templater: Templater) -> Sequence[Step]:
    """Return what a copy of a local file or directory makes on the host.

    Of a directory whose name ends with a slash only the contents are copied, as Ansible does.
    """
    source = templater.find(given["src"], "files", or_directory=True)
    if not source.is_dir():
        return [_copied_file(source, given["dest"], given)]
    dest = given["dest"].rstrip("/") or "/"
    top = dest if given["src"].endswith("/") else f"{dest.rstrip('/')}/{source.name}"
    return list(_copied_directory(source, top, given))


def _copied_directory(source: Path, dest: str, given: Parameters) -> Iterator[Step]:
    """Yield each directory before what is in it; links are followed, as Ansible does."""
    owned = {name: given[name] for name in ("owner", "group") if name in given}
    yield Step(Directory(path=dest, keep_existing=True, **owned), part=f"{dest.rstrip('/')}/")
    seen = {source.resolve()}
    for place, directories, files in os.walk(source, followlinks=True):
        directories[:] = [
            name for name in sorted(directories) if Path(place, name).resolve() not in seen
        ]
        seen |= {Path(place, name).resolve() for name in directories}
        there = "/".join([dest.rstrip("/"), *Path(place).relative_to(source).parts])
        for name in directories:
            yield Step(Directory(path=f"{there}/{name}", **owned), part=f"{there}/{name}/")
        for name in sorted(files):
            yield _copied_file(Path(place, name), f"{there}/{name}", given, part=f"{there}/{name}")


def _copied_file(source: Path, dest: str, given: Parameters, part: str = "") -> Step:
    fields = {"dest": dest, **_fields(given, source)}
    status = source.stat()
    if status.st_size <= _INLINE:
        text = _text(source.read_bytes())
        if text is not None:
            return Step(Copy(content=text, **fields), part=part)
    digest = _sha256(source, status.st_mtime_ns, status.st_size)
    return Step(Copy(sha256=digest, size=status.st_size, **fields), source, part)


def _fields(given: Parameters, source: Path) -> dict[str, Any]:
    """Return the other fields of ``Copy``; in a directory the file keeps its name."""
    fields = {name: value for name, value in given.items() if name not in _NOT_OF_THE_FILE}
    if fields.get("mode") == "preserve":
        fields["mode"] = f"{stat.S_IMODE(source.stat().st_mode):04o}"
    return {**with_mode(fields), "basename": source.name}


def _text(content: bytes) -> str | None:
    """Return what can travel, and be shown, as text."""
    try:
        return None if b"\0" in content else content.decode("utf-8")
    except UnicodeDecodeError:
        return None


@lru_cache(maxsize=256)
def _sha256(path: Path, modified: int, size: int) -> str:
    """Return a file's hash; of all hosts that get the file, only the first pays for it."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
