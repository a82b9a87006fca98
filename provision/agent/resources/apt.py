"""Debian packages."""

from __future__ import annotations

import re
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Dict, List, NamedTuple, Optional, Sequence, Union

from provision.agent.dpkg import Dpkg, read_dpkg
from provision.agent.failure import Failure
from provision.agent.resource import Data, Difference, Resource, State, names
from provision.agent.system import System

if TYPE_CHECKING:
    from provision.agent.apt_get import AptGet

# deb-control(5); names that begin or end with "-" would mean something else to apt-get.
_NAME = re.compile(r"[a-z0-9][a-z0-9+.-]*[a-z0-9+.](:[a-z0-9-]+)?(=[A-Za-z0-9.+~:*?\[\]-]+)?")
_LISTS = "package lists"
_UNUSED = "unused packages"


class Wanted(NamedTuple):
    """A package as asked for: ``docker.io=26.1*`` is the name and a version pattern."""

    name: str
    version: str

    def matches(self, version: str) -> bool:
        """Tell whether an installed version is one that was asked for."""
        return not self.version or fnmatchcase(version, self.version)


class Apt(Resource):
    """Packages of a Debian family host, installed, held or removed.

    Args:
        name: package names, each with a version or version pattern if need be
            (``docker.io=26.1*``); virtual packages and ``name:architecture`` work, too.
        state: "present", "absent", or "latest" (the newest that the package lists know).
        purge: when removing, remove configuration files as well.
        autoremove: remove packages that only removed ones needed. Without ``name``: all such.
        update_cache: fetch the package lists before something is installed, or always for
            "latest" and without ``name``, if they are older than ``cache_valid_time``.
        cache_valid_time: in seconds. Lists older than their sources are never valid.
        lock_timeout: seconds to wait for another package manager to finish.
        install_recommends: None leaves it to the host's apt settings.
        allow_downgrade: whether a version may be replaced by an older one.
        default_release: the release to prefer, such as "trixie-backports".
        hold: whether unattended upgrades are kept from changing the packages; None keeps what is.

    """

    name: Union[str, Sequence[str]] = ()
    state: str = "present"
    purge: bool = False
    autoremove: bool = False
    update_cache: bool = False
    cache_valid_time: float = 0
    lock_timeout: float = 300
    install_recommends: Optional[bool] = None
    allow_downgrade: bool = False
    default_release: Optional[str] = None
    hold: Optional[bool] = None

    def expected(self, system: System) -> State:
        """Return a version, or "absent", for every name; the newest known version where new."""
        state: State = {}
        database = read_dpkg(system)
        if self._lists_matter():
            state[_LISTS] = "valid"
        wanted = self._wanted()
        if self.autoremove and not wanted:
            state[_UNUSED] = []
        if self.state == "absent":
            return {**state, **{package.name: "absent" for package in wanted}}
        for package, version in self._targets(system, database).items():
            state[package.name] = version
        if self.hold is not None:
            state.update({"hold " + package.name: self.hold for package in wanted})
        return state

    def actual(self, system: System) -> State:
        """Return what dpkg has installed."""
        database = read_dpkg(system)
        state: State = {}
        if self._lists_matter():
            state[_LISTS] = self._lists_state(system)
        wanted = self._wanted()
        if self.autoremove and not wanted:
            state[_UNUSED] = self._unused(system)
        for package in wanted:
            state[package.name] = self._installed(database, package)
            if self.hold is not None:
                found = database.find(package.name)
                state["hold " + package.name] = found is not None and found.held
        return state

    def fix(self, system: System, difference: Difference) -> Data:
        """Install, remove and hold; returns the installed ``versions``."""
        from provision.agent.apt_get import AptGet  # noqa: PLC0415 - unused where all is there

        apt = AptGet(system, self.lock_timeout)
        apt.repair()
        if self.update_cache and self._lists_state(system) != "valid":
            apt.update()
        if self.state == "absent":
            self._remove(apt, [name for name in self._names() if name in difference])
        else:
            self._install(system, apt)
            self._hold(system)
        if _UNUSED in difference:
            apt.run([*self._purging(), "autoremove"])
        database = read_dpkg(system)
        found = {name: database.find(name) for name in self._names()}
        return {"versions": {name: it.version for name, it in found.items() if it is not None}}

    # -- what is asked for ------------------------------------------------------------------

    def _wanted(self) -> List[Wanted]:
        return [_parse(text) for text in names(self.name)]

    def _names(self) -> List[str]:
        return [package.name for package in self._wanted()]

    def _lists_matter(self) -> bool:
        return self.update_cache and (self.state == "latest" or not self.name)

    def _lists_state(self, system: System) -> str:
        from provision.agent.apt_get import lists_age  # noqa: PLC0415 - unused where all is there

        age = lists_age(system)
        if age is None:
            return "older than their sources"
        return "valid" if age < self.cache_valid_time else "{:.0f} min old".format(age // 60)

    def _targets(self, system: System, database: Dpkg) -> Dict[Wanted, str]:
        """Return the version that each package should have."""
        current = {package: self._installed(database, package) for package in self._wanted()}
        unmet = [
            package
            for package, version in current.items()
            if self.state == "latest" or version == "absent" or not package.matches(version)
        ]
        newest = self._candidates(system, unmet)
        fallback = {package: package.version or "installed" for package in unmet}
        if self.state == "latest":  # what no list knows was installed by hand
            fallback.update({p: current[p] for p in unmet if current[p] != "absent"})
        return {**current, **{package: newest.get(package, fallback[package]) for package in unmet}}

    # -- what is there ----------------------------------------------------------------------

    def _installed(self, database: Dpkg, package: Wanted) -> str:
        found = database.find(package.name)
        if found is None and self.state != "absent":
            found = database.provider(package.name)
        if found is not None:
            return found.version
        left = self.purge and database.has_configuration(package.name)
        return "configuration files" if left else "absent"

    def _candidates(self, system: System, packages: List[Wanted]) -> Dict[Wanted, str]:
        """Return the version that apt-get would install of each package, where it knows one."""
        if not packages or system.which("apt-cache") is None:
            return {}
        release = ["-t", self.default_release] if self.default_release else []
        asked = [package.name for package in packages]
        policy = system.run(["apt-cache", *release, "policy", *asked]).stdout
        blocks = {block.split(":\n")[0]: block for block in re.split(r"\n(?=\S)", policy)}
        found = {}
        for package in packages:
            version = _candidate(package, blocks.get(package.name, ""))
            if version is not None:
                found[package] = version
        return found

    def _unused(self, system: System) -> List[str]:
        plan = system.run(["apt-get", "--simulate", "autoremove"]).stdout
        return sorted(re.findall(r"^(?:Remv|Purg) (\S+)", plan, re.MULTILINE))

    # -- making it so -----------------------------------------------------------------------

    def _install(self, system: System, apt: AptGet) -> None:
        database = read_dpkg(system)
        targets = self._targets(system, database)
        unmet = [it for it, version in targets.items() if self._installed(database, it) != version]
        if not unmet:
            return
        options = self._even_held()
        if self.install_recommends is not None:
            options.append(
                "--{}install-recommends".format("" if self.install_recommends else "no-")
            )
        if self.allow_downgrade:
            options.append("--allow-downgrades")
        if self.default_release:
            options += ["-t", self.default_release]
        apt.run([*options, "install", *("=".join(filter(None, package)) for package in unmet)])

    def _remove(self, apt: AptGet, packages: List[str]) -> None:
        if packages:
            options = ["--auto-remove"] if self.autoremove else []
            apt.run([*self._purging(), *options, *self._even_held(), "remove", *packages])

    def _even_held(self) -> List[str]:
        """Return what lets held packages change: whoever declares the hold may move it."""
        return [] if self.hold is None else ["--allow-change-held-packages"]

    def _purging(self) -> List[str]:
        return ["--purge"] if self.purge else []

    def _hold(self, system: System) -> None:
        if self.hold is None:
            return
        database = read_dpkg(system)
        found = {name: database.find(name) for name in self._names()}
        unmet = [name for name, it in found.items() if it is not None and it.held != self.hold]
        if unmet:
            system.must_run(["apt-mark", "hold" if self.hold else "unhold", *unmet])


def _parse(text: str) -> Wanted:
    if not _NAME.fullmatch(text):
        raise Failure("{!r} is not a package name".format(text), hint="NAME or NAME=VERSION")
    name, _, version = text.partition("=")
    return Wanted(name, version)


def _candidate(package: Wanted, policy: str) -> Optional[str]:
    """Return the version out of one block of ``apt-cache policy``."""
    if package.version:
        versions = re.findall(r"^ (?:\*\*\*|   ) (\S+) -?\d+$", policy, re.MULTILINE)
        return next((version for version in versions if package.matches(version)), None)
    found = re.search(r"^  Candidate: (?!\(none\))(\S+)$", policy, re.MULTILINE)
    return found.group(1) if found else None
