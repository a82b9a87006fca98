"""What dpkg has installed, read from its own database.

One look at a package costs microseconds instead of a process: the database (up to 2 MB) is read and
indexed once, and again only after it changed. Its format is described in deb-control(5) and
dpkg(1), "Information about packages".
"""

from __future__ import annotations

import re
from typing import Dict, List, NamedTuple, Optional

from provision.agent.system import System

STATUS = "/var/lib/dpkg/status"
UPDATES = "/var/lib/dpkg/updates"  # parts of the database that an interrupted dpkg left behind
_MEMO = "dpkg"
_INTERRUPTED = re.compile(
    r"^Status: \S+ (?:reinstreq \S+|\S+ (?:unpacked|half-\S+|triggers-\S+))$", re.MULTILINE
)
# Packages whose files are all there; the trigger states follow a complete installation.
_INSTALLED = ("installed", "triggers-awaited", "triggers-pending")


class Package(NamedTuple):
    """An installed package."""

    name: str
    architecture: str
    version: str
    held: bool


class Dpkg:
    """The database as it stood at one moment."""

    def __init__(self, text: str, interrupted: bool) -> None:
        self._text = text
        self._stanzas: Dict[str, List[str]] = {}
        for stanza in text.split("\n\n"):
            line, _, rest = stanza.lstrip("\n").partition("\n")
            self._stanzas.setdefault(line[len("Package: ") :], []).append(rest)
        self.interrupted = interrupted or bool(_INTERRUPTED.search(text))

    def find(self, name: str) -> Optional[Package]:
        """Return the installed package ``name`` or ``name:architecture``, or None."""
        name, _, architecture = name.partition(":")
        for stanza in self._stanzas.get(name, ()):
            package = _installed(name, stanza)
            if package is not None and architecture in ("", "any", package.architecture):
                return package
        return None

    def names(self) -> List[str]:
        """Return the names of all installed packages."""
        return [
            name
            for name, stanzas in self._stanzas.items()
            if any(_installed(name, stanza) is not None for stanza in stanzas)
        ]

    def provider(self, virtual: str) -> Optional[Package]:
        """Return an installed package that provides the virtual package (``awk``), or None."""
        provides = r"^Provides: (?:.*[ ,])?{}(?: \(.*\))?(?:,.*)?$".format(re.escape(virtual))
        for match in (
            re.finditer(provides, self._text, re.MULTILINE) if virtual in self._text else ()
        ):
            start = self._text.rfind("\n\n", 0, match.start()) + 1
            end = self._text.find("\n\n", match.end())
            stanza = self._text[start : end if end >= 0 else None]
            package = _installed(_field(stanza, "Package"), stanza)
            if package is not None:
                return package
        return None

    def has_configuration(self, name: str) -> bool:
        """Tell whether ``name`` was removed but its configuration files were kept."""
        stanzas = self._stanzas.get(name.partition(":")[0], ())
        return any(_field(stanza, "Status").endswith(" config-files") for stanza in stanzas)


def read_dpkg(system: System) -> Dpkg:
    """Return the host's database; empty where there is none."""
    version = system.fingerprint(STATUS)
    interrupted = any(name.isdigit() for name in system.listdir(UPDATES))
    known = system.memo.get(_MEMO)
    if known is None or known[0] != (version, interrupted):
        known = ((version, interrupted), Dpkg(system.read_text(STATUS) or "", interrupted))
        system.memo[_MEMO] = known
    database: Dpkg = known[1]
    return database


def _installed(name: str, stanza: str) -> Optional[Package]:
    want, _, status = _field(stanza, "Status").partition(" ")
    if status.rpartition(" ")[2] not in _INSTALLED:
        return None
    return Package(name, _field(stanza, "Architecture"), _field(stanza, "Version"), want == "hold")


def _field(stanza: str, name: str) -> str:
    found = re.search("^" + name + ": (.*)$", stanza, re.MULTILINE)
    return found.group(1) if found else ""
