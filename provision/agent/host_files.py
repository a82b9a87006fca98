"""The host's files, looked at."""

from __future__ import annotations

import hashlib
import os
import stat as stat_module
from typing import Iterator, List, NamedTuple, Optional

from provision.agent.file_errors import file_failure
from provision.agent.host_accounts import Accounts

_TYPES = (
    (stat_module.S_ISLNK, "link"),
    (stat_module.S_ISREG, "file"),
    (stat_module.S_ISDIR, "directory"),
)


class FileStatus(NamedTuple):
    """What ``lstat`` says of a path, in the words of resources."""

    type: str  # "file", "directory", "link" or "other"
    mode: int  # permission bits, such as 0o644
    owner: str  # a name, or the number where it has none
    group: str
    size: int
    target: str = ""  # of a link


class Files(Accounts):
    """What stands where, and what is in it."""

    def stat(self, path: str) -> Optional[FileStatus]:
        """Return what stands at ``path`` (links are not followed), or None."""
        try:
            status = os.lstat(path)
        except (FileNotFoundError, NotADirectoryError):
            return None
        kind = _file_type(status.st_mode)
        return FileStatus(
            kind,
            stat_module.S_IMODE(status.st_mode),
            self.owner_name(status.st_uid),
            self.group_name(status.st_gid),
            status.st_size,
            os.readlink(path) if kind == "link" else "",
        )

    def exists(self, path: str) -> bool:
        """Tell whether something (not a dangling link) stands at ``path``."""
        return os.path.exists(path)

    def modified(self, path: str) -> Optional[float]:
        """Return when a file or directory was last changed (Unix seconds), or None."""
        try:
            return os.stat(path).st_mtime
        except (FileNotFoundError, NotADirectoryError):
            return None

    def fingerprint(self, path: str) -> Optional[str]:
        """Return a text that is another one after the file was changed; None without a file."""
        try:
            status = os.stat(path)
        except (FileNotFoundError, NotADirectoryError):
            return None
        return "{} {} {}".format(status.st_ino, status.st_size, status.st_mtime_ns)

    def read(self, path: str) -> Optional[bytes]:
        """Return a file's content, or None where there is no file."""
        try:
            with open(path, "rb") as file:
                return file.read()
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            raise file_failure("read", path, error) from error

    def read_chunks(self, path: str) -> Iterator[bytes]:
        """Yield a file's content in pieces, for files of any size."""
        with open(path, "rb") as file:
            yield from iter(lambda: file.read(1 << 20), b"")

    def read_text(self, path: str) -> Optional[str]:
        """Return a file's content as text (undecodable bytes kept), or None."""
        content = self.read(path)
        return None if content is None else content.decode("utf-8", "surrogateescape")

    def listdir(self, path: str) -> List[str]:
        """Return the sorted names in a directory; empty where there is none."""
        try:
            return sorted(os.listdir(path))
        except (FileNotFoundError, NotADirectoryError):
            return []

    def same_file(self, path: str, other: str) -> bool:
        """Tell whether two paths are hard links of one file."""
        try:
            return os.path.samestat(os.lstat(path), os.lstat(other))
        except (FileNotFoundError, NotADirectoryError):
            return False

    def glob(self, pattern: str) -> List[str]:
        """Return the existing paths that match a shell pattern."""
        if not any(character in pattern for character in "*?["):
            return [pattern] if os.path.lexists(pattern) else []
        import glob  # noqa: PLC0415 - rarely needed

        return sorted(glob.glob(pattern))

    def resolve(self, path: str) -> str:
        """Return the path that a link, or a chain of them, leads to."""
        return os.path.realpath(path)

    def sha256(self, path: str) -> Optional[str]:
        """Return the hash of a file's content, or None where there is no file."""
        digest = hashlib.sha256()
        try:
            for chunk in self.read_chunks(path):
                digest.update(chunk)
        except (FileNotFoundError, NotADirectoryError):
            return None
        return digest.hexdigest()


def _file_type(mode: int) -> str:
    return next((name for test, name in _TYPES if test(mode)), "other")
