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
        found = rpm.installed(system, list(self._wanted()))
        state: State = dict(found)
        if self.hold is not None:
            held = _held(system, found)
            state.update({"hold " + name: name in held for name in found})
        return state

    def fix(self, system: System, difference: Difference) -> Data:
        """Install, remove and lock; returns the installed ``versions``."""
        differing = [name for name in self._wanted() if name in difference]
        self._unlock(system, differing)
        try:
            if differing and self.state == "absent":
                _dnf(system, "autoremove" if self.autoremove else "remove", differing)
            elif differing:
                self._install(system, differing)
        finally:
            self._hold(system)
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
        options = ["--refresh"] if self.update_cache else []
        options += self._may_move_locked(system)
        done = system.run(["dnf", "--quiet", *options, "check-update", *self._wanted()])
        found = re.findall(r"^(\S+)\.\w+ +(\S+) +\S+$", done.stdout, re.MULTILINE)
        return dict(found)

    def _install(self, system: System, differing: List[str]) -> None:
        options = ["--refresh"] if self.update_cache else []
        if self.install_recommends is not None:
            options.append("--setopt=install_weak_deps={:d}".format(self.install_recommends))
        options += self._may_move_locked(system)
        wanted, there = self._wanted(), rpm.installed(system, differing)
        verbs: Dict[str, List[str]] = {}
        for name in differing:
            verb = "install" if there[name] == "absent" else self._replacing()
            verbs.setdefault(verb, []).append("-".join(filter(None, (name, wanted[name]))))
        for verb, packages in verbs.items():
            _dnf(system, verb, packages, options)
        for name, version in rpm.installed(system, differing).items():
            if not _matches(wanted[name], version):
                raise _not_replaced(name, wanted[name], version)

    def _replacing(self) -> str:
        """Return dnf's word for another version; ``install`` takes an older one, too."""
        return "install" if self.allow_downgrade and self.state != "latest" else "upgrade"

    def _may_move_locked(self, system: System) -> List[str]:
        """Return what lets dependencies that are locked move along; dnf 4 has it as a plugin."""
        is_needed = self.hold is not None and system.exists(rpm.LOCKS_OF_DNF_4)
        return ["--disableplugin=versionlock"] if is_needed else []

    def _unlock(self, system: System, packages: Sequence[str]) -> None:
        """Take locks away, if they are ours to declare."""
        if self.hold is not None:
            locks = rpm.locks(system)
            self._lock(system, "delete", [name for name in packages if name in locks])

    def _hold(self, system: System) -> None:
        """Lock what is installed at its version, or unlock it; also after a failure."""
        if self.hold is None:
            return
        found = rpm.installed(system, list(self._wanted()))
        held = _held(system, found)
        there = [name for name, version in found.items() if version != "absent"]
        unmet = [name for name in there if (name in held) != self.hold]
        self._unlock(system, unmet)
        if self.hold:
            self._lock(system, "add", unmet)

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


def _held(system: System, found: Dict[str, str]) -> List[str]:
    """Return the packages that are locked at the version that they have."""
    locks = rpm.locks(system)
    return [name for name, it in found.items() if name in locks and rpm.keeps(locks[name], it)]


def _not_replaced(name: str, wanted: str, found: str) -> Failure:
    return Failure(
        "dnf leaves the package {} as it is".format(name),
        expected=wanted,
        found=found,
        hint="an older version needs `allow_downgrade: true`; or a versionlock is in the way",
    )


def _matches(pattern: str, version: str) -> bool:
    """Tell whether ``[epoch:]version-release`` is what was asked for, in any usual spelling."""
    plain = version.rpartition(":")[2]
    spellings = (version, plain, plain.rpartition("-")[0])
    return not pattern or any(fnmatchcase(it, pattern) for it in spellings)
