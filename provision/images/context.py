"""Build contexts: the source tree without what is ignored, and the project's own files."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path
from typing import IO

from provision.images.recipe import OURS, Recipe

_IGNORE_FILE = ".dockerignore"  # of another build: the recipe has patterns of its own


def files(recipe: Recipe, source: Path) -> dict[str, Path]:
    """Return the files of the context by name; a symbolic link is itself, not its target."""
    from docker.utils.build import exclude_paths

    patterns = [*recipe.ignored, f"{OURS}/"]
    names = exclude_paths(str(source), patterns) if _uses_source(recipe) else set()
    paths = {name: source / name for name in names if name != _IGNORE_FILE}
    kept = {name: path for name, path in paths.items() if path.is_symlink() or path.is_file()}
    return kept | recipe.own_files()


def _uses_source(recipe: Recipe) -> bool:
    return any(not path.startswith(f"{OURS}/") for path in recipe.copied)


def write(recipe: Recipe, source: Path, target: IO[bytes]) -> int:
    """Write the context to ``target`` as a tar file and return its size in bytes.

    Owners, times and the umask of the machine are left out: the same source gives the same bytes,
    so that the builder's cache holds, and everybody in the image can read it.
    """
    with tarfile.open(fileobj=target, mode="w") as tar:
        dockerfile = recipe.dockerfile.encode()
        tar.addfile(_member(recipe.path, size=len(dockerfile)), io.BytesIO(dockerfile))
        for name, path in sorted(files(recipe, source).items()):
            _add(tar, name, path)
    return target.tell()


def _add(tar: tarfile.TarFile, name: str, path: Path) -> None:
    if path.is_symlink():
        member = _member(name)
        member.type, member.linkname = tarfile.SYMTYPE, str(path.readlink())
        tar.addfile(member)
        return
    with path.open("rb") as content:
        facts = path.stat()
        mode = 0o755 if facts.st_mode & 0o100 else 0o644
        tar.addfile(_member(name, mode, facts.st_size), content)


def _member(name: str, mode: int = 0o644, size: int = 0) -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.mode, member.size = mode, size
    return member
