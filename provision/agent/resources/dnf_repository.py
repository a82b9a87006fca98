"""A repository of RPM packages and the key that signs it."""

from __future__ import annotations

from typing import Optional

from provision.agent import openpgp
from provision.agent.dnf_errors import why
from provision.agent.failure import Failure
from provision.agent.resource import Difference, Resource, State
from provision.agent.signing_key import SigningKey
from provision.agent.system import System

_KEYS = "/etc/pki/rpm-gpg"
_SOURCES = "/etc/yum.repos.d"
_MODE = 0o644


class DnfRepository(Resource):
    """A repository for dnf (dnf.conf(5)), whose key is compared before dnf hears of it.

    Args:
        name: of the repository and of its two files: ``/etc/yum.repos.d/NAME.repo`` and
            ``/etc/pki/rpm-gpg/RPM-GPG-KEY-NAME``.
        baseurl: what to read; dnf replaces ``$basearch`` and ``$releasever``.
        key_url: where to get the signing key. It is fetched once, and again when it is not the
            declared one.
        key_fingerprint: of the key; blanks do not matter. Only that key of a file is trusted.
        signed: what the key signs: "packages", or "metadata", which has the packages' checksums.
        state: "present" or "absent".
        update_cache: read the repository after a change; where that fails, undo the change.

    """

    name: str
    baseurl: str = ""
    key_url: Optional[str] = None
    key_fingerprint: Optional[str] = None
    signed: str = "packages"
    state: str = "present"
    update_cache: bool = True

    def expected(self, system: System) -> State:
        """Return the repository's text and which key signs it."""
        if self.state == "absent":
            return {"repository": None, "key": None}
        return {"repository": self._text(), "key": self._key().expected()}

    def actual(self, system: System) -> State:
        """Return the same as they are on the host."""
        found = system.read(self._key_path())
        return {
            "repository": system.read_text(self._path()),
            "key": None if found is None else self._key().identity(found),
        }

    def fix(self, system: System, difference: Difference) -> None:
        """Fetch the key, write both files and read the repository."""
        before = {path: system.read(path) for path in (self._key_path(), self._path())}
        try:
            self._write(system, difference)
            if self.update_cache and self.state == "present":
                self._read_repository(system)
        except Failure:
            for path, content in before.items():
                _put(system, path, content)
            raise

    def _write(self, system: System, difference: Difference) -> None:
        if self.state == "absent":
            for path in (self._path(), self._key_path()):
                _put(system, path, None)
            return
        if "key" in difference:
            key = self._key().fetched(system)
            _put(system, self._key_path(), openpgp.armored(key))
        _put(system, self._path(), self._text().encode())

    def _read_repository(self, system: System) -> None:
        """Have dnf read it, which also says whether the metadata's signature is right."""
        only = ["--repo=" + self.name, "--setopt={}.skip_if_unavailable=0".format(self.name)]
        done = system.run(["dnf", "-y", "--refresh", *only, "makecache"], live=True)
        if done.returncode != 0:
            raise why("makecache", done.stdout + done.stderr)

    def _key(self) -> SigningKey:
        return SigningKey(url=self.key_url, fingerprint=self.key_fingerprint)

    def _path(self) -> str:
        return "{}/{}.repo".format(_SOURCES, self.name)

    def _key_path(self) -> str:
        return "{}/RPM-GPG-KEY-{}".format(_KEYS, self.name)

    def _text(self) -> str:
        fields = {
            "name": self.name,
            "baseurl": self.baseurl,
            "enabled": 1,
            "gpgcheck": int(self.signed == "packages"),
            "repo_gpgcheck": int(self.signed == "metadata"),
            "gpgkey": "file://" + self._key_path(),
        }
        lines = ("{}={}\n".format(name, value) for name, value in fields.items())
        return "# Written by provision.\n[{}]\n{}".format(self.name, "".join(lines))


def _put(system: System, path: str, content: Optional[bytes]) -> None:
    """Make a file hold ``content``, or not exist."""
    if content is not None:
        directory = path.rpartition("/")[0]
        if not system.exists(directory):
            system.make_directory(directory)
        system.write(path, content, mode=_MODE)
    elif system.exists(path):
        system.remove(path)
