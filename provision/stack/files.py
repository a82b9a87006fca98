"""The files that a role mounts, addressed by their content.

A template names ``./redis.conf`` or ``./grafana/dashboards``; that is looked for below
``templates/config/<role>/``, in the user's project first and file by file. A name ending in ``.j2``
is rendered, everything else is taken as it is.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path, PurePosixPath
from typing import Any

from provision.errors import Location, UsageError
from provision.stack.model import ConfigFile, Owner
from provision.templating import Templater

_SECRET_MODE = 0o400


@dataclass
class ConfigTree:
    """Collects what one role mounts and says where it will lie on the host.

    Args:
        role: the directory below ``templates/config/``.
        root: the directory on the host that takes the files.
        options: ``x-files`` of the template: path -> ``{secret: true}``.
        where: the template, for error messages.

    """

    role: str
    root: str
    templater: Templater
    options: Mapping[str, Mapping[str, Any]]
    where: Location
    files: dict[str, ConfigFile] = field(default_factory=dict)

    def place(self, source: str, reader: Owner | None) -> str:
        """Return the absolute path on the host for the relative ``source`` and keep its files.

        Args:
            source: a file or a directory, as written in the template.
            reader: who must be able to read it where it is secret; None when that is unknown.

        """
        name = self._normal(source)
        found = dict(self._find(name))
        if not found:
            raise UsageError(
                f"{source!r} is mounted, but there is no templates/config/{self.role}/{name}",
                where=self.where,
                hint="mounted files are shipped with the release; write an absolute path for "
                "what the host already has",
            )
        files = [self._load(path, found[path], reader) for path in sorted(found)]
        directory = f"{self.root}/{digest(files)}"
        for file in files:
            placed = replace(file, dest=f"{directory}/{file.path}")
            self.files[placed.dest] = placed
        return f"{directory}/{name}"

    def _normal(self, source: str) -> str:
        path = PurePosixPath(source)
        if ".." in path.parts or str(path) == ".":
            raise UsageError(
                f"{source!r} does not name something below templates/config/{self.role}",
                where=self.where,
            )
        return str(path)

    def _find(self, name: str) -> Iterator[tuple[str, Path]]:
        """Yield every file that ``name`` stands for; the earlier of equal names is the default."""
        for directory in reversed(self.templater.search):
            root = directory / "config" / self.role
            for path in (root / name, root / f"{name}.j2"):
                if path.is_file():
                    yield name, path
            if (root / name).is_dir():
                inside = sorted(path for path in (root / name).rglob("*") if path.is_file())
                yield from ((_logical(path.relative_to(root)), path) for path in inside)

    def _load(self, name: str, path: Path, reader: Owner | None) -> ConfigFile:
        secret = bool(self.options.get(name, {}).get("secret"))
        if secret and reader is None:
            raise UsageError(
                f"{name!r} is a secret, but the service that mounts it does not say who reads it",
                where=self.where,
                hint="set the service's `user` to a numeric uid:gid",
            )
        return ConfigFile(
            path=name,
            dest="",
            content=self._content(path),
            mode=_SECRET_MODE if secret else 0o644,
            owner=reader if secret else None,
            secret=secret,
        )

    def _content(self, path: Path) -> str:
        if path.suffix == ".j2":
            return self.templater.render_file(path)
        try:
            return path.read_text(encoding="utf-8")
        except UnicodeDecodeError as error:
            where = Location(str(path))
            raise UsageError(f"not UTF-8 text ({error.reason})", where=where) from None


def _logical(path: Path) -> str:
    return path.as_posix().removesuffix(".j2")


def digest(files: Sequence[ConfigFile]) -> str:
    """Return twelve hexadecimal digits that stand for the files' names, modes, owners and content.

    The digest is part of a path that anybody on the host may see. Where a secret is inside, it is
    a slow one, so that a weak password cannot be guessed from it.
    """
    described = [(f.path, f.mode, f.owner, f.content) for f in files]
    content = repr(described).encode()
    return _slow(content) if any(f.secret for f in files) else _fast(content)


def _fast(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:12]


@lru_cache(maxsize=256)  # most hosts of a role share their secrets
def _slow(content: bytes) -> str:
    return hashlib.scrypt(content, salt=b"provision", n=2**13, r=8, p=1, dklen=6).hex()
