"""Running apt-get so that it neither asks, nor gives up on a lock, nor fails without saying why."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, List, Optional, Sequence

from provision.agent.apt_errors import is_locked, is_outdated, why
from provision.agent.dpkg import read_dpkg
from provision.agent.failure import Failure
from provision.agent.system import System

if TYPE_CHECKING:
    from provision.agent.process import Completed

LISTS = "/var/lib/apt/lists"
_SOURCES = "/etc/apt/sources.list*"
_SOURCE_PARTS = "/etc/apt/sources.list.d/*"
_FRESH = 60.0  # seconds; lists younger than this are not fetched again to find an unknown package
_LOCK_POLL = 1.0  # seconds
_ENVIRONMENT = {
    "DEBIAN_FRONTEND": "noninteractive",
    "APT_LISTCHANGES_FRONTEND": "none",
    "NEEDRESTART_SUSPEND": "1",  # restarts are ours to decide
    "UCF_FORCE_CONFFOLD": "1",
}
_OPTIONS = (
    "-q",
    "-y",
    "-o=Dpkg::Use-Pty=0",
    "-o=Dpkg::Options::=--force-confdef",
    "-o=Dpkg::Options::=--force-confold",
    "-o=APT::Update::Error-Mode=any",  # what `--error-on=any` sets; old versions overlook it
)


class AptGet:
    """apt-get on one host.

    Args:
        system: the host.
        lock_timeout: seconds to wait for another package manager to finish.

    """

    def __init__(self, system: System, lock_timeout: float) -> None:
        self._system = system
        self._deadline = time.monotonic() + lock_timeout
        self._lock_timeout = lock_timeout
        if system.which("apt-get") is None:
            raise Failure(
                "there is no apt-get on this host", hint="use `package`, or `dnf` on this family"
            )

    def repair(self) -> None:
        """Finish what an interrupted dpkg has left half done; apt-get refuses to work before."""
        if read_dpkg(self._system).interrupted:
            self._until_unlocked(["dpkg", "--configure", "-a", "--force-confdef,confold"])
            self.run(["--fix-broken", "install"])

    def update(self) -> None:
        """Fetch the package lists.

        Raises:
            Failure: when even one of the sources could not be fetched.

        """
        done = self._attempt(["update"])
        if done.returncode != 0:
            raise why(self._system, ["update"], done.stdout + done.stderr)
        self._system.touch(LISTS)

    def run(self, arguments: Sequence[str]) -> Completed:
        """Run ``apt-get``; where newer lists may help, fetch them and run it again."""
        done = self._attempt(arguments)
        if done.returncode != 0 and is_outdated(done.stdout + done.stderr) and self._may_refresh():
            self.update()
            done = self._attempt(arguments)
        if done.returncode != 0:
            raise why(self._system, arguments, done.stdout + done.stderr)
        return done

    def _may_refresh(self) -> bool:
        age = lists_age(self._system)
        return age is None or age > _FRESH

    def _attempt(self, arguments: Sequence[str]) -> Completed:
        waiting = "-o=DPkg::Lock::Timeout={:.0f}".format(self._lock_timeout)
        return self._until_unlocked(["apt-get", *_OPTIONS, waiting, *arguments])

    def _until_unlocked(self, argv: List[str]) -> Completed:
        """Run it again while a lock is held: apt itself waits only for dpkg's lock."""
        while True:
            done = self._system.run(argv, env=_ENVIRONMENT, live=True)
            locked = done.returncode != 0 and is_locked(done.stdout + done.stderr)
            if not locked or time.monotonic() > self._deadline:
                return done
            time.sleep(_LOCK_POLL)


def lists_age(system: System) -> Optional[float]:
    """Return the age of the package lists in seconds.

    None means that they have to be fetched: there are none, or a source was changed since.
    """
    fetched = system.modified(LISTS)
    if fetched is None or not any("_" in name for name in system.listdir(LISTS)):
        return None
    sources = [*system.glob(_SOURCES), *system.glob(_SOURCE_PARTS)]
    if any((system.modified(path) or 0.0) > fetched for path in sources):
        return None
    return max(time.time() - fetched, 0.0)
