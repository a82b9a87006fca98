"""The key that signs a package repository: declared, fetched, and recognised on the host."""

from __future__ import annotations

import hashlib
from typing import Optional

from provision.agent import openpgp
from provision.agent.declaration import Declaration
from provision.agent.failure import Failure
from provision.agent.system import System


class SigningKey(Declaration):
    """What is declared of it.

    Args:
        text: the key itself, armored; or
        url: where to get it.
        fingerprint: of it; blanks do not matter. Other keys at the address are left out.
        sha256: of the file at the address.

    """

    text: Optional[str] = None
    url: Optional[str] = None
    fingerprint: Optional[str] = None
    sha256: Optional[str] = None

    @property
    def is_declared(self) -> bool:
        """Whether there is one."""
        return self.text is not None or self.url is not None

    def expected(self) -> str:
        """Return what identifies the key best of what is declared."""
        if self.text is not None:
            return _digest(openpgp.binary(self.text.encode()))
        return self._fingerprint() or "present"

    def identity(self, found: bytes) -> str:
        """Return the same of the file that the host has."""
        data = openpgp.dearmored(found)
        if self.text is not None:
            return _digest(data)
        present = openpgp.fingerprints(data)
        if not self._fingerprint():
            return "present" if present else "broken"
        return ", ".join(present)

    def fetched(self, system: System) -> bytes:
        """Return it, without armor.

        Raises:
            Failure: what is at the address is another one, or none.

        """
        if self.text is not None:
            given = self.text.encode()
        else:
            given = b"".join(system.download(self.url or ""))
        if self.sha256 is not None and hashlib.sha256(given).hexdigest() != self.sha256:
            raise self._wrong("sha256 " + self.sha256, hashlib.sha256(given).hexdigest())
        data = openpgp.binary(given)
        if not self._fingerprint():
            return data
        key = openpgp.only(data, self._fingerprint())
        if not key:
            found = ", ".join(openpgp.fingerprints(data))
            raise self._wrong("fingerprint " + self._fingerprint(), found)
        return key

    def _fingerprint(self) -> str:
        return (self.fingerprint or "").replace(" ", "").replace("0x", "").upper()

    def _wrong(self, expected: str, found: str) -> Failure:
        return Failure(
            "the key at {} is not the declared one".format(self.url or "hand"),
            expected=expected,
            found=found,
            hint="nothing was changed; ask the repository's owner before you trust another key",
        )


def _digest(key: bytes) -> str:
    return "sha256 " + hashlib.sha256(key).hexdigest()
