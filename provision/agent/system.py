"""The host, as resources see it: files, accounts and programs.

Resources touch the host only through this class, so that their logic can be tested on described
hosts, and so that atomic writes, error texts and output streaming exist once.
"""

from __future__ import annotations

import errno
import grp
import hashlib
import os
import pwd
import stat as stat_module
import time
from typing import (
    TYPE_CHECKING,
    Any,
    Callable,
    Dict,
    Iterable,
    Iterator,
    List,
    NamedTuple,
    Optional,
    Sequence,
    Tuple,
    Union,
)

from provision.agent.failure import Failure, NotThereYet
from provision.agent.process import Completed, run_process

if TYPE_CHECKING:
    from _socket import socket

TAIL_LINES = 15  # of a failing program's output, shown to the person


class FileStatus(NamedTuple):
    """What ``lstat`` says of a path, in the words of resources."""

    type: str  # "file", "directory", "link" or "other"
    mode: int  # permission bits, such as 0o644
    owner: str  # a name, or the number where it has none
    group: str
    size: int
    target: str = ""  # of a link


class Disk(NamedTuple):
    """The space of a file system; what only root may use does not count as available."""

    total: int  # bytes
    available: int
    inodes: int  # 0 where the file system has no such limit
    inodes_available: int


class Emitter:
    """Where a running resource reports to; the session replaces it."""

    def output(self, stream: str, text: str) -> None:
        """Take a piece of a program's output."""

    def progress(self, label: str, done: int, total: Optional[int], unit: str) -> None:
        """Take note of a long step moving on."""

    def flush(self) -> None:
        """Send what was reported so far: something slow is about to begin."""


class System:
    """A real host."""

    def __init__(self, emitter: Optional[Emitter] = None) -> None:
        self.emitter = emitter or Emitter()
        self.fetch_content: Callable[[str], Iterable[bytes]] = _no_content
        self.environment: Dict[str, str] = {}  # of the play, for every program
        self.is_cancelled: Callable[[], bool] = lambda: False
        self.memo: Dict[str, Any] = {}  # what was read once, each with a proof that it still holds
        self.at_end: List[Callable[[], None]] = []  # called when the session ends

    # -- files ------------------------------------------------------------------------------

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

    def touch(self, path: str) -> None:
        """Set the time of last change of something that exists to now."""
        os.utime(path)

    def read(self, path: str) -> Optional[bytes]:
        """Return a file's content, or None where there is no file."""
        try:
            with open(path, "rb") as file:
                return file.read()
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            raise _failure("read", path, error) from error

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
        the umask and the agent's user. ``validate`` is a command with ``%s`` for the new file's
        path; it must exit with 0 before the old file is replaced.

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
            raise _failure("write", path, error) from error
        finally:
            if os.path.lexists(temporary):
                os.unlink(temporary)

    def append_line(self, path: str, line: str) -> None:
        """Add a line to a file that only its owner may read; one that was torn before is ended.

        Raises:
            Failure: disk full, read-only, missing directory.

        """
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
            with open(descriptor, "rb+", buffering=0) as file:
                size = os.fstat(descriptor).st_size
                is_torn = size > 0 and os.pread(descriptor, 1, size - 1) != b"\n"
                file.write(("\n" if is_torn else "").encode() + line.encode() + b"\n")
                os.fsync(descriptor)
        except OSError as error:
            raise _failure("write", path, error) from error

    def write_kernel(self, path: str, value: str) -> None:
        """Write to a file of the kernel's (``/proc/sys``), which cannot be replaced.

        Raises:
            Failure: the kernel has no such file, or does not accept the value.

        """
        try:
            with open(path, "w", encoding="ascii") as file:
                file.write(value)
        except OSError as error:
            raise _failure("write {!r} to".format(value), path, error) from error

    def download(
        self, url: str, *, headers: Optional[Dict[str, str]] = None, timeout: float = 30
    ) -> Iterator[bytes]:
        """Yield what a GET of ``url`` answers, in pieces; ``timeout`` (s) is for each wait.

        Raises:
            Failure: another answer than 200, or no whole one.

        """
        from provision.agent.download import download  # noqa: PLC0415 - costs 60 ms where unused

        return download(url, headers or {}, timeout, self.emitter.progress)

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
            uid, gid, bits = os.geteuid(), os.getegid(), 0o644 & ~_umask()
        if owner is not None:
            uid = self.user_id(owner)
        if group is not None:
            gid = self.group_id(group)
        return uid, gid, bits if mode is None else mode

    def remove_leftovers(self, path: str) -> None:
        """Remove what a killed agent left beside ``path``."""
        directory, name = os.path.split(path)
        prefix = ".{}.provision-".format(name)
        for entry in self.listdir(directory):
            if entry.startswith(prefix):
                os.unlink(os.path.join(directory, entry))

    def make_directory(self, path: str, mode: int = 0o755) -> None:
        """Create a directory and its missing parents (parents get 0o755)."""
        os.makedirs(os.path.dirname(path.rstrip("/")) or "/", exist_ok=True)
        os.mkdir(path, 0o700)
        os.chmod(path, mode)

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
            raise _failure("write", path, error) from error
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

    # -- accounts ---------------------------------------------------------------------------

    def owner_name(self, uid: int) -> str:
        """Return the name of a user id, or the number as text."""
        try:
            return pwd.getpwuid(uid).pw_name
        except KeyError:
            return str(uid)

    def group_name(self, gid: int) -> str:
        """Return the name of a group id, or the number as text."""
        try:
            return grp.getgrgid(gid).gr_name
        except KeyError:
            return str(gid)

    def user_id(self, name: str) -> int:
        """Return the id of a user given by name or number."""
        if name.isdigit():
            return int(name)
        try:
            return pwd.getpwnam(name).pw_uid
        except KeyError:
            raise NotThereYet("there is no user {!r}".format(name)) from None

    def group_id(self, name: str) -> int:
        """Return the id of a group given by name or number."""
        if name.isdigit():
            return int(name)
        try:
            return grp.getgrnam(name).gr_gid
        except KeyError:
            raise NotThereYet("there is no group {!r}".format(name)) from None

    # -- programs ---------------------------------------------------------------------------

    def which(self, program: str) -> Optional[str]:
        """Return the path of a program, or None."""
        if "/" in program:
            return program if os.access(program, os.X_OK) else None
        candidates = (os.path.join(directory, program) for directory in _PATH.split(":"))
        return next((path for path in candidates if os.access(path, os.X_OK)), None)

    def run(
        self,
        argv: Sequence[str],
        *,
        input: Optional[bytes] = None,
        env: Optional[Dict[str, str]] = None,
        cwd: Optional[str] = None,
        timeout: Optional[float] = None,
        live: bool = False,
        interruptible: bool = False,
    ) -> Completed:
        """Run a program and return its exit code and output, whatever the code is.

        Args:
            argv: program and arguments; no shell is involved.
            input: its standard input (else ``/dev/null``).
            env: variables beside a minimal environment (``PATH``, ``HOME``, ``LANG=C.UTF-8``).
            cwd: its working directory.
            timeout: seconds after which it is ended and ``Failure`` is raised.
            live: whether its output is shown to the person as it comes.
            interruptible: whether Ctrl-C may end it half-way. Package managers must finish.

        """
        if live:
            self.emitter.flush()
        return run_process(
            argv,
            input=input,
            env=_environment({**self.environment, **(env or {})}),
            cwd=cwd,
            timeout=timeout,
            on_output=self.emitter.output if live else None,
            is_cancelled=self.is_cancelled if interruptible else None,
        )

    def must_run(
        self,
        argv: Sequence[str],
        *,
        hint: str = "",
        input: Optional[bytes] = None,
        env: Optional[Dict[str, str]] = None,
        timeout: Optional[float] = None,
        live: bool = False,
    ) -> Completed:
        """Like ``run``, but a non-zero exit code is a ``Failure`` with the last lines of output."""
        done = self.run(argv, input=input, env=env, timeout=timeout, live=live)
        if done.returncode != 0:
            raise Failure(
                "{} exited with {}".format(" ".join(argv), done.returncode),
                log=tail(done.stdout + done.stderr),
                hint=hint,
            )
        return done

    # -- the machine ------------------------------------------------------------------------

    def connect(self, address: Union[str, Tuple[str, int]], timeout: float) -> socket:
        """Return a connection to a Unix socket's path, or to a host and port over TCP.

        ``timeout`` (seconds) is for connecting, and for each later send and receive.

        Raises:
            OSError: as the operating system says.

        """
        if isinstance(address, tuple):
            from socket import create_connection  # noqa: PLC0415 - costs 10 ms

            return create_connection(address, timeout=timeout)
        import _socket  # noqa: PLC0415 - the part of `socket` that costs nothing

        connection = _socket.socket(_socket.AF_UNIX)
        try:
            connection.settimeout(timeout)
            connection.connect(address)
        except OSError:
            connection.close()
            raise
        return connection

    def interface_address(self, name: str) -> Optional[Tuple[str, str]]:
        """Return a network interface's first IPv4 address and netmask, or None without one."""
        import _socket  # noqa: PLC0415 - the part of `socket` that costs nothing
        import fcntl  # noqa: PLC0415 - needed only for facts

        request = name.encode()[:15].ljust(256, b"\0")  # struct ifreq, see netdevice(7)
        probe = _socket.socket(_socket.AF_INET, _socket.SOCK_DGRAM)
        try:
            address, netmask = (
                _socket.inet_ntoa(fcntl.ioctl(probe.fileno(), call, request)[20:24])
                for call in (_SIOCGIFADDR, _SIOCGIFNETMASK)
            )
        except OSError:
            return None
        finally:
            probe.close()
        return address, netmask

    def uname(self) -> os.uname_result:
        """Return the kernel's own words on the machine: name, release, architecture."""
        return os.uname()

    def disk(self, path: str) -> Optional[Disk]:
        """Return the space of the file system that holds ``path``, None where nothing is."""
        try:
            found = os.statvfs(path)
        except OSError:
            return None
        size = found.f_frsize
        return Disk(found.f_blocks * size, found.f_bavail * size, found.f_files, found.f_favail)


def tail(text: str, lines: int = TAIL_LINES) -> List[str]:
    """Return the last lines of a program's output that hold something."""
    return [line for line in text.splitlines() if line.strip()][-lines:]


_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_SIOCGIFADDR, _SIOCGIFNETMASK = 0x8915, 0x891B  # include/uapi/linux/sockios.h
_KEPT_VARIABLES = ("HOME", "USER", "LOGNAME", "http_proxy", "https_proxy", "no_proxy")
_TYPES = (
    (stat_module.S_ISLNK, "link"),
    (stat_module.S_ISREG, "file"),
    (stat_module.S_ISDIR, "directory"),
)


def _environment(extra: Dict[str, str]) -> Dict[str, str]:
    environment = {name: os.environ[name] for name in _KEPT_VARIABLES if name in os.environ}
    environment.update(PATH=_PATH, LANG="C.UTF-8", LC_ALL="C.UTF-8")
    environment.update(extra)
    return environment


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
        if (uid, gid) != (os.geteuid(), os.getegid()):
            os.fchown(file.fileno(), uid, gid)
        os.fchmod(file.fileno(), mode)
        os.fsync(file.fileno())


def _file_type(mode: int) -> str:
    return next((name for test, name in _TYPES if test(mode)), "other")


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


def _failure(verb: str, path: str, error: OSError) -> Failure:
    hints = {
        errno.ENOSPC: "free some space on that file system; the old file is as it was",
        errno.EDQUOT: "the disk quota is used up; the old file is as it was",
        errno.EROFS: "the file system is mounted read-only",
        errno.ENOENT: "create its directory first",
        errno.EACCES: "become root for it",
        errno.EPERM: "become root for it",
    }
    reason = os.strerror(error.errno or 0)
    return Failure(
        "cannot {} {}: {}".format(verb, path, reason), hint=hints.get(error.errno or 0, "")
    )


def _no_content(sha256: str) -> Iterable[bytes]:
    raise Failure("the content {} was not sent".format(sha256))
