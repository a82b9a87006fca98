"""A package repository and the key that signs it."""

from __future__ import annotations

from typing import Dict, Optional, Sequence

from provision.agent.apt_get import AptGet
from provision.agent.failure import Failure
from provision.agent.resource import Difference, Resource, State
from provision.agent.signing_key import SigningKey
from provision.agent.system import System

_KEYRINGS = "/etc/apt/keyrings"
_SOURCES = "/etc/apt/sources.list.d"
_MODE = 0o644  # apt reads both as its own unprivileged user


class AptRepository(Resource):
    """A repository in apt's deb822 format (sources.list(5)), trusted for nothing but itself.

    Args:
        name: of the two files: ``/etc/apt/sources.list.d/NAME.sources`` and
            ``/etc/apt/keyrings/NAME.gpg``.
        uris, suites, components: what to read; no components where the suite ends in "/".
        types: "deb", "deb-src".
        architectures: none means the host's.
        key: the signing key itself, armored; or
        key_url: where to get it. It is fetched once, and again when it is not the declared one.
        key_fingerprint: of the key; blanks do not matter. Only that key of a file is trusted.
        key_sha256: of the file at ``key_url``.
        state: "present" or "absent".
        update_cache: fetch the package lists after a change; where that fails, undo the change.
        lock_timeout: seconds to wait for another package manager to finish.

    """

    name: str
    uris: Sequence[str] = ()
    suites: Sequence[str] = ()
    components: Sequence[str] = ()
    types: Sequence[str] = ("deb",)
    architectures: Sequence[str] = ()
    key: Optional[str] = None
    key_url: Optional[str] = None
    key_fingerprint: Optional[str] = None
    key_sha256: Optional[str] = None
    state: str = "present"
    update_cache: bool = True
    lock_timeout: float = 300

    def expected(self, system: System) -> State:
        """Return the source's text and which key signs it."""
        if self.state == "absent":
            return {"source": None, "key": None}
        if not self._signing_key().is_declared:
            return {"source": self._source()}
        return {"source": self._source(), "key": self._signing_key().expected()}

    def actual(self, system: System) -> State:
        """Return the same as they are on the host."""
        found = system.read(self._key_path())
        return {
            "source": system.read_text(self._source_path()),
            "key": None if found is None else self._signing_key().identity(found),
        }

    def fix(self, system: System, difference: Difference) -> None:
        """Fetch the key, write both files and read the repository."""
        before = {path: system.read(path) for path in (self._key_path(), self._source_path())}
        try:
            self._write(system, difference)
            if self.update_cache:
                AptGet(system, self.lock_timeout).update()
        except Failure:
            for path, content in before.items():
                _put(system, path, content)
            raise

    def _write(self, system: System, difference: Difference) -> None:
        if self.state == "absent":
            for path in (self._source_path(), self._key_path()):
                _put(system, path, None)
            return
        if "key" in difference:
            if not system.exists(_KEYRINGS):
                system.make_directory(_KEYRINGS)
            _put(system, self._key_path(), self._signing_key().fetched(system))
        _put(system, self._source_path(), self._source().encode())

    def _source_path(self) -> str:
        return "{}/{}.sources".format(_SOURCES, self.name)

    def _source(self) -> str:
        fields: Dict[str, Sequence[str]] = {
            "Types": self.types,
            "URIs": self.uris,
            "Suites": self.suites,
            "Components": self.components,
            "Architectures": self.architectures,
            "Signed-By": [self._key_path()] if self._signing_key().is_declared else [],
        }
        lines = (
            "{}: {}\n".format(name, " ".join(given)) for name, given in fields.items() if given
        )
        return "".join(lines)

    def _key_path(self) -> str:
        return "{}/{}.gpg".format(_KEYRINGS, self.name)

    def _signing_key(self) -> SigningKey:
        return SigningKey(
            text=self.key,
            url=self.key_url,
            fingerprint=self.key_fingerprint,
            sha256=self.key_sha256,
        )


def _put(system: System, path: str, content: Optional[bytes]) -> None:
    """Make a file hold ``content``, or not exist."""
    if content is not None:
        system.write(path, content, mode=_MODE)
    elif system.exists(path):
        system.remove(path)
