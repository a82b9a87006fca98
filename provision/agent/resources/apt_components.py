"""The components of the distribution's own package archive."""

from __future__ import annotations

import re
from typing import Iterator, List, Sequence, Tuple

from provision.agent.apt_get import AptGet
from provision.agent.failure import Failure
from provision.agent.resource import Difference, Resource, State
from provision.agent.system import System

_FILES = ("/etc/apt/sources.list", "/etc/apt/sources.list.d/*.list")
_STANZAS = "/etc/apt/sources.list.d/*.sources"
# The archives of Debian and Ubuntu, and mirrors of them: their address says which they mirror, and
# "main" is one of their components. Cloud images name a list of mirrors instead of an address.
_ARCHIVE = re.compile(r"(?:\S+://\S*/(?:debian|ubuntu)\S*|mirror\S*/(?:debian|ubuntu)\S*)")
_LINE = re.compile(
    r"^deb(?:-src)?[ \t]+(?:\[[^\]]*\][ \t]+)?(?P<uri>\S+)[ \t]+\S+[ \t]+"
    r"(?P<components>[^#\n]*[^#\s])",
    re.MULTILINE,
)
_FIELD = re.compile(r"^(?P<name>URIs|Components):[ \t]*(?P<value>.*\S)", re.MULTILINE)

Entry = Tuple[Tuple[int, int], str]  # where the components of an entry stand in its file, and those


class AptComponents(Resource):
    """That the archive's entries, wherever they stand, have components such as ``non-free``.

    Other repositories are left alone.

    Args:
        components: to be added to what is there.
        update_cache: fetch the package lists after a change; where that fails, undo the change.
        lock_timeout: seconds to wait for another package manager to finish.

    """

    components: Sequence[str]
    update_cache: bool = True
    lock_timeout: float = 300

    def expected(self, system: System) -> State:
        """Return the components of each entry, by file, as they should be."""
        return {
            path: [self._with(given) for _, given in entries]
            for path, entries in self._files(system)
        }

    def actual(self, system: System) -> State:
        """Return them as they are."""
        found = {path: [given for _, given in entries] for path, entries in self._files(system)}
        if not found:
            raise Failure(
                "there is no entry of the distribution's archive on this host",
                hint="see /etc/apt/sources.list and sources.list.d, and add one",
            )
        return found

    def fix(self, system: System, difference: Difference) -> None:
        """Write the files and read the archive."""
        before = {path: system.read_text(path) or "" for path in difference}
        try:
            for path, entries in self._files(system):
                if path in difference:
                    system.write(path, self._changed(before[path], entries).encode())
            if self.update_cache:
                AptGet(system, self.lock_timeout).update()
        except Failure:
            for path, text in before.items():
                system.write(path, text.encode())
            raise

    def _files(self, system: System) -> Iterator[Tuple[str, List[Entry]]]:
        """Yield the files with entries of the archive, and those."""
        for pattern in (*_FILES, _STANZAS):
            look = _in_stanzas if pattern == _STANZAS else _in_lines
            for path in system.glob(pattern):
                entries = list(look(system.read_text(path) or ""))
                if entries:
                    yield path, entries

    def _changed(self, text: str, entries: List[Entry]) -> str:
        for (start, end), given in reversed(entries):
            text = text[:start] + self._with(given) + text[end:]
        return text

    def _with(self, given: str) -> str:
        return " ".join([given, *(it for it in self.components if it not in given.split())])


def _in_lines(text: str) -> Iterator[Entry]:
    """Yield the entries of a one-line file: where their components stand, and those."""
    for found in _LINE.finditer(text):
        if _ARCHIVE.fullmatch(found.group("uri")) and "main" in found.group("components").split():
            yield found.span("components"), found.group("components")


def _in_stanzas(text: str) -> Iterator[Entry]:
    """Yield the same of a file of stanzas, as deb822(5) has them."""
    for stanza in re.finditer(r"(?:^[^\n]*\S[^\n]*\n?)+", text, re.MULTILINE):
        fields = {match.group("name"): match for match in _FIELD.finditer(stanza.group())}
        if len(fields) < 2:  # noqa: PLR2004 - both of them
            continue
        start, end = fields["Components"].span("value")
        given = fields["Components"].group("value")
        uris = fields["URIs"].group("value").split()
        if "main" in given.split() and all(map(_ARCHIVE.fullmatch, uris)):
            yield (stanza.start() + start, stanza.start() + end), given
