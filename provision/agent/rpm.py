"""What rpm has installed and dnf has locked."""

from __future__ import annotations

import re
from fnmatch import fnmatchcase
from typing import Dict, List, Sequence, Tuple

from provision.agent.failure import Failure
from provision.agent.system import System

LOCKS_OF_DNF_4 = "/etc/dnf/plugins/versionlock.list"
VERSION_LOCKS = ("/etc/dnf/versionlock.toml", LOCKS_OF_DNF_4)  # the first is that of dnf 5
_FORMAT = "%{NAME} %|EPOCH?{%{EPOCH}:}|%{VERSION}-%{RELEASE}\\n"
_MISSING = re.compile(r"^(?:package|no package provides) (\S+?)(?: is not installed)?$")
_LOCKED = re.compile(
    r"""^(?:name = "(?P<toml>[^"]+)"|(?P<list>[^\s#!]+)-(?P<version>\d+:\S+))""", re.MULTILINE
)


def installed(system: System, names: Sequence[str]) -> Dict[str, str]:
    """Return version and release of each package, "absent" where it is not installed.

    One question for all; what no package is called is asked for once more as something that a
    package provides (a path, a virtual name).
    """
    if not names:
        return {}
    if system.which("rpm") is None:
        raise Failure("there is no rpm on this host", hint="use `package`, or `apt`")
    found, missing = _query(system, [], names)
    provided, unknown = _query(system, ["--whatprovides"], missing) if missing else ([], [])
    versions = dict.fromkeys(names, "absent")
    for name in names:
        if name not in missing:
            called = [(own, version) for own, version in found if _is_called(name, own)]
            versions[name] = max(called, key=lambda it: len(it[0]))[1]  # not docker-ce for -ce-cli
        elif name not in unknown:
            versions[name] = provided[0][1]
    return versions


def locks(system: System) -> Dict[str, str]:
    """Return the packages that dnf's versionlock keeps, with the version: see ``keeps``."""
    return read_locks("\n".join(system.read_text(path) or "" for path in VERSION_LOCKS))


def read_locks(text: str) -> Dict[str, str]:
    """Return the same of what the files hold, of dnf 4 or 5."""
    matches = _LOCKED.finditer(text)
    return {match["toml"] or match["list"]: match["version"] or "*" for match in matches}


def keeps(lock: str, version: str) -> bool:
    """Tell whether a lock is on a version; one on what the package was once keeps nothing.

    Args:
        lock: ``epoch:version-release.architecture`` with wildcards, as versionlock writes it.
        version: as ``installed`` tells it.

    """
    exact = (version if ":" in version else "0:" + version) + "."
    return lock.startswith(exact) or fnmatchcase(exact, lock)


def _query(
    system: System, options: List[str], names: Sequence[str]
) -> Tuple[List[Tuple[str, str]], List[str]]:
    """Return name and version of what was found, and the names that were not."""
    argv = ["rpm", "--query", *options, "--queryformat", _FORMAT, "--", *names]
    found, missing = [], []
    for line in system.run(argv).stdout.splitlines():
        absent = _MISSING.match(line)
        if absent is not None:
            missing.append(absent.group(1))
        else:
            name, _, version = line.partition(" ")
            found.append((name, version))
    return found, missing


def _is_called(asked: str, name: str) -> bool:
    """Tell whether rpm takes ``asked`` for the package: name, name.arch, name-version, …."""
    return asked == name or asked.startswith((name + "-", name + "."))
