"""What rpm has installed and dnf has locked."""

from __future__ import annotations

import re
from typing import Dict, List, Sequence, Set, Tuple

from provision.agent.failure import Failure
from provision.agent.system import System

VERSION_LOCKS = ("/etc/dnf/versionlock.toml", "/etc/dnf/plugins/versionlock.list")  # dnf 5, dnf 4
_FORMAT = "%{NAME} %|EPOCH?{%{EPOCH}:}|%{VERSION}-%{RELEASE}\\n"
_MISSING = re.compile(r"^(?:package|no package provides) (\S+?)(?: is not installed)?$")
_LOCKED = re.compile(r"""^(?:name = "(?P<toml>[^"]+)"|!?(?P<list>[^\s#]+)-\d+:\S+)""", re.MULTILINE)


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
            versions[name] = next(version for own, version in found if _is_called(name, own))
        elif name not in unknown:
            versions[name] = provided[0][1]
    return versions


def locked(system: System) -> Set[str]:
    """Return the names of the packages that dnf's versionlock plugin keeps at their version."""
    texts = (system.read_text(path) or "" for path in VERSION_LOCKS)
    matches = (match for text in texts for match in _LOCKED.finditer(text))
    return {match.group("toml") or match.group("list") for match in matches}


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
