"""RPM packages."""

from __future__ import annotations

import re
from fnmatch import fnmatchcase
from typing import Dict, List, Optional, Sequence, Union

from provision.agent import rpm
from provision.agent.dnf_errors import why
from provision.agent.failure import Failure
from provision.agent.resource import Data, Difference, Resource, State, names
from provision.agent.system import System

_NAME = re.compile(r"[A-Za-z0-9_./(][\w.+:~^()/=*?\[\]-]*")


class Dnf(Resource):
    """Packages of a Red Hat family host, installed, locked or removed; see ``Apt``.

    Args:
        name: package names, each with a version pattern if need be (``docker-ce=26.1*``); a whole
            ``docker-ce-26.1.4-1.el9``, a path or a virtual name works, too.
        state: "present", "absent", or "latest".
        autoremove: remove packages that only removed ones needed.
        update_cache: fetch the metadata before something is installed, even if it has not expired.
        install_recommends: whether weak dependencies are installed; None leaves it to the host.
        allow_downgrade: whether a version may be replaced by an older one.
        hold: whether the packages are locked at their version; None keeps what is.

    """

    name: Union[str, Sequence[str]] = ()
    state: str = "present"
    autoremove: bool = False
    update_cache: bool = False
    install_recommends: Optional[bool] = None
    allow_downgrade: bool = False
    hold: Optional[bool] = None

    def expected(self, system: System) -> State:
        """Return a version, or "absent", for every name."""
        wanted = self._wanted()
        if self.state == "absent":
            return dict.fromkeys(wanted, "absent")
        newest = self._updates(system) if self.state == "latest" else {}
        state: State = {}
        for name, current in rpm.installed(system, list(wanted)).items():
            fits = current != "absent" and _matches(wanted[name], current)
            state[name] = newest.get(name, current) if fits else wanted[name] or "installed"
            if self.hold is not None:
                state["hold " + name] = self.hold
        return state

    def actual(self, system: System) -> State:
        """Return what rpm has installed, and what is locked."""
        state: State = dict(rpm.installed(system, list(self._wanted())))
        if self.hold is not None:
            locked = rpm.locked(system)
            state.update({"hold " + name: name in locked for name in self._wanted()})
        return state

    def fix(self, system: System, difference: Difference) -> Data:
        """Install, remove and lock; returns the installed ``versions``."""
        differing = [name for name in self._wanted() if name in difference]
        if self.hold is not None and differing:
            self._lock(system, "delete", [it for it in differing if it in rpm.locked(system)])
        if differing and self.state == "absent":
            _dnf(system, "autoremove" if self.autoremove else "remove", differing)
        elif differing:
            self._install(system, differing)
        if self.hold is not None:
            locked = rpm.locked(system)
            unmet = [name for name in self._wanted() if (name in locked) != self.hold]
            self._lock(system, "add" if self.hold else "delete", unmet)
        found = rpm.installed(system, list(self._wanted()))
        return {"versions": {name: it for name, it in found.items() if it != "absent"}}

    def _wanted(self) -> Dict[str, str]:
        """Return names with the versions that were asked for, "" for any."""
        wanted = {}
        for text in names(self.name):
            if not _NAME.fullmatch(text):
                raise Failure(
                    "{!r} is not a package name".format(text), hint="NAME or NAME=VERSION"
                )
            name, _, version = text.partition("=")
            wanted[name] = version
        return wanted

    def _updates(self, system: System) -> Dict[str, str]:
        """Return the newer versions that the repositories have."""
        refresh = ["--refresh"] if self.update_cache else []
        done = system.run(["dnf", "--quiet", *refresh, "check-update", *self._wanted()])
        found = re.findall(r"^(\S+)\.\w+ +(\S+) +\S+$", done.stdout, re.MULTILINE)
        return dict(found)

    def _install(self, system: System, differing: List[str]) -> None:
        options = ["--refresh"] if self.update_cache else []
        if self.install_recommends is not None:
            options.append("--setopt=install_weak_deps={:d}".format(self.install_recommends))
        wanted = self._wanted()
        there = rpm.installed(system, differing)
        for verb, is_meant in (("install", False), (self._replacing(), True)):
            chosen = [name for name in differing if (there[name] != "absent") == is_meant]
            if chosen:
                exact = ["-".join(filter(None, (name, wanted[name]))) for name in chosen]
                _dnf(system, verb, exact, options)

    def _replacing(self) -> str:
        """Return dnf's word for another version of what is installed."""
        if self.state == "latest":
            return "upgrade"
        return "downgrade" if self.allow_downgrade else "install"

    def _lock(self, system: System, verb: str, packages: Sequence[str]) -> None:
        if not packages:
            return
        if not any(system.exists(path) for path in rpm.VERSION_LOCKS):
            _dnf(system, "install", ["dnf-command(versionlock)"])
        _dnf(system, "versionlock", [verb, *packages])


def _dnf(system: System, verb: str, packages: Sequence[str], options: Sequence[str] = ()) -> None:
    """Run dnf; it waits for another one to finish by itself."""
    done = system.run(["dnf", "-y", *options, verb, *packages], live=True)
    if done.returncode != 0:
        raise why(verb, done.stdout + done.stderr)


def _matches(pattern: str, version: str) -> bool:
    """Tell whether ``[epoch:]version-release`` is what was asked for, in any usual spelling."""
    plain = version.rpartition(":")[2]
    spellings = (version, plain, plain.rpartition("-")[0])
    return not pattern or any(fnmatchcase(it, pattern) for it in spellings)
