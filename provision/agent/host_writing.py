"""The host's files, changed: atomically, or not at all."""

from __future__ import annotations

import os
import stat as stat_module
import time
from typing import Callable, Iterable, Optional, Tuple

from provision.agent.failure import Failure
from provision.agent.file_errors import file_failure
from provision.agent.host_files import Files
from provision.agent.host_programs import Programs, tail

_AS_CREATED = -1  # the owner or group that the kernel gives a new file, see chown(2), mkdir(2)


class WritableFiles(Files, Programs):
    """Writes, links, removes and owns."""

    def backup(self, path: str) -> str:
        """Copy a file beside itself, the time in its name, and return the copy's path."""
        import shutil  # noqa: PLC0415 - rarely needed

        copy = "{}.{}~".format(path, time.strftime("%Y-%m-%d@%H:%M:%S"))
        shutil.copy2(path, copy)
        self.set_owner(copy, str(os.stat(path).st_uid), str(os.stat(path).st_gid))
        return copy

    def write(
        self,
        path: str,
        content: bytes,
        *,
        mode: Optional[int] = None,
        owner: Optional[str] = None,
        group: Optional[str] = None,
        validate: Optional[str] = None,
    ) -> None:
        """Replace a file atomically, see ``write_chunks``."""
        self.write_chunks(path, [content], mode=mode, owner=owner, group=group, validate=validate)

    def write_chunks(
        self,
        path: str,
        chunks: Iterable[bytes],
        *,
        mode: Optional[int] = None,
        owner: Optional[str] = None,
        group: Optional[str] = None,
        validate: Optional[str] = None,
    ) -> None:
        """Replace a file atomically: a kill at any moment leaves the old file or the new one.

        A link at ``path`` is replaced as well: ``resolve`` it first to write to where it leads.
        Where mode, owner or group is not given, the old file's stays; a new file gets 0o644 less
        the umask, the agent's user, and the group that its directory may prescribe. ``validate``
        is a command with ``%s`` for the new file's path; it must exit with 0 before the old file
        is replaced.

        Raises:
            Failure: disk full, read-only, missing directory, not valid; the old file is as it was.

        """
        self.remove_leftovers(path)
        temporary = _beside(path)
        try:
            ownership = self._final_ownership(path, mode, owner, group)
            _write_new(temporary, chunks, *ownership)
            if validate is not None:
                self._validate(validate, temporary, path)
            os.rename(temporary, path)
            _sync_directory(os.path.dirname(path))
        except OSError as error:
            raise file_failure("write", path, error) from error
        finally:
            if os.path.lexists(temporary):
                os.unlink(temporary)

    def append_line(self, path: str, line: str) -> None:
        """Add a line to a file that only its owner may read; one that was torn before is ended.

        Raises:
            Failure: disk full, read-only, missing directory; the file is as it was.

        """
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
            with open(descriptor, "rb+", buffering=0) as file:
                size = os.fstat(descriptor).st_size
                is_torn = size > 0 and os.pread(descriptor, 1, size - 1) != b"\n"
                left = (b"\n" if is_torn else b"") + line.encode() + b"\n"
                try:
                    while left:
                        left = left[file.write(left) or 0 :]  # a disk may take the beginning alone
                    os.fsync(descriptor)
                except OSError:
                    os.ftruncate(descriptor, size)
                    raise
        except OSError as error:
            raise file_failure("write", path, error) from error

    def write_kernel(self, path: str, value: str) -> None:
        """Write to a file of the kernel's (``/proc/sys``), which cannot be replaced.

        Raises:
            Failure: the kernel has no such file, or does not accept the value.

        """
        try:
            with open(path, "w", encoding="ascii") as file:
                file.write(value)
        except OSError as error:
            raise file_failure("write {!r} to".format(value), path, error) from error

    def _validate(self, command: str, candidate: str, path: str) -> None:
        import shlex  # noqa: PLC0415 - rarely needed

        argv = [word.replace("%s", candidate) for word in shlex.split(command)]
        done = self.run(argv)
        if done.returncode != 0:
            raise Failure(
                "the new {} is not valid: {} exited with {}".format(path, argv[0], done.returncode),
                log=tail(done.stdout + done.stderr),
                hint="the old file is as it was",
            )

    def _final_ownership(
        self, path: str, mode: Optional[int], owner: Optional[str], group: Optional[str]
    ) -> Tuple[int, int, int]:
        try:
            old = os.stat(path)
            uid, gid, bits = old.st_uid, old.st_gid, stat_module.S_IMODE(old.st_mode)
        except FileNotFoundError:
            uid, gid, bits = _AS_CREATED, _AS_CREATED, 0o644 & ~_umask()
        if owner is not None:
            uid = self.user_id(owner)
        if group is not None:
            gid = self.group_id(group)
        return uid, gid, bits if mode is None else mode

    def touch(self, path: str) -> None:
        """Set the time of last change of something that exists to now."""
        os.utime(path)

    def remove_leftovers(self, path: str) -> None:
        """Remove what a killed agent left beside ``path``."""
        directory, name = os.path.split(path)
        prefix = ".{}.provision-".format(name)
        for entry in self.listdir(directory):
            if entry.startswith(prefix):
                os.unlink(os.path.join(directory, entry))

    def make_directory(self, path: str, mode: Optional[int] = None) -> None:
        """Create a directory and its missing parents.

        Without a mode it gets 0o755, and the set-group-id bit of the directory that it is made in.
        It has its mode from the first moment: after a kill nobody would see that one is missing.
        """
        os.makedirs(os.path.dirname(path.rstrip("/")) or "/", exist_ok=True)
        mask = os.umask(0)
        try:
            os.mkdir(path, 0o755 if mode is None else mode)
        finally:
            os.umask(mask)
        if mode is not None and stat_module.S_IMODE(os.stat(path).st_mode) != mode:
            os.chmod(path, mode)  # the kernel takes no set-user-id and set-group-id bits at once

    def symlink(self, target: str, path: str) -> None:
        """Make ``path`` a link to ``target``, atomically, whatever link or file stood there."""
        self._link(os.symlink, target, path)

    def hard_link(self, source: str, path: str) -> None:
        """Make ``path`` the same file as ``source``, atomically."""
        self._link(os.link, source, path)

    def _link(self, make: Callable[[str, str], None], target: str, path: str) -> None:
        self.remove_leftovers(path)
        temporary = _beside(path)
        try:
            make(target, temporary)
            os.rename(temporary, path)
        except OSError as error:
            raise file_failure("write", path, error) from error
        finally:
            if os.path.lexists(temporary):
                os.unlink(temporary)

    def remove(self, path: str) -> None:
        """Remove a file, a link or a whole directory."""
        if os.path.isdir(path) and not os.path.islink(path):
            import shutil  # noqa: PLC0415 - costs 5 ms of every session that needs no removal

            shutil.rmtree(path)
        else:
            os.unlink(path)

    def set_mode(self, path: str, mode: int) -> None:
        """Set permission bits."""
        os.chmod(path, mode)

    def set_owner(self, path: str, owner: Optional[str], group: Optional[str]) -> None:
        """Set owner and group; None leaves one as it is. Links are not followed."""
        uid = -1 if owner is None else self.user_id(owner)
        gid = -1 if group is None else self.group_id(group)
        os.lchown(path, uid, gid)


def _beside(path: str) -> str:
    """Return the path under which what becomes ``path`` is prepared."""
    directory, name = os.path.split(path)
    return os.path.join(directory, ".{}.provision-{}".format(name, os.getpid()))


def _write_new(path: str, chunks: Iterable[bytes], uid: int, gid: int, mode: int) -> None:
    """Create a file that nobody else can read before it has its final owner and mode."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with open(descriptor, "wb") as file:
        for chunk in chunks:
            file.write(chunk)
        file.flush()
        created = os.fstat(file.fileno())
        if uid not in (_AS_CREATED, created.st_uid) or gid not in (_AS_CREATED, created.st_gid):
            os.fchown(file.fileno(), uid, gid)
        os.fchmod(file.fileno(), mode)
        os.fsync(file.fileno())


def _umask() -> int:
    mask = os.umask(0o022)
    os.umask(mask)
    return mask


def _sync_directory(path: str) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
