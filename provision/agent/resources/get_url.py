"""A file from the web."""

from __future__ import annotations

import hashlib
from typing import Dict, Iterable, Iterator, Optional, Tuple

from provision.agent.failure import Failure
from provision.agent.resource import Difference, Resource, State
from provision.agent.resources.ownership import (
    owned_as,
    ownership,
    ownership_of,
    require_parent,
)
from provision.agent.system import System


class GetUrl(Resource):
    """A file as it is at an address.

    With a ``checksum`` nothing is requested while the file has it. Without, an existing file is
    left alone, unless ``force`` says to compare it with what is at the address each time.

    Args:
        url: http, https or ftp.
        dest: the absolute path; in a directory, the file is named as in the address.
        checksum: ``sha256:…`` (or another algorithm of hashlib's); instead of the hash, the
            address of a list of hashes and file names.
        force: see above.
        headers: of the request.
        timeout: seconds to wait for the server each time.
        mode: permission bits as a number; None keeps what is there.
        owner, group: names or numbers; None keeps what is there.

    """

    url: str
    dest: str
    checksum: str = ""
    force: bool = False
    headers: Optional[Dict[str, str]] = None
    timeout: float = 30
    mode: Optional[int] = None
    owner: Optional[str] = None
    group: Optional[str] = None

    def expected(self, system: System) -> State:
        """Return the hash and the ownership that was declared."""
        state: State = {"type": "file", **ownership(system, self.mode, self.owner, self.group)}
        if self.checksum:
            state["checksum"] = ":".join(self._declared(system))
        elif self.force and system.exists(self._path(system)):
            state["checksum"] = "sha256:" + _hash("sha256", self._download(system))
        return state

    def actual(self, system: System) -> State:
        """Return the same of the file."""
        path = self._path(system)
        status = system.stat(system.resolve(path))
        if status is None:
            require_parent(system, path)
            return {"type": "absent"}
        state: State = {"type": status.type, **ownership_of(status)}
        if status.type == "file" and (self.checksum or self.force):
            algorithm = self.checksum.partition(":")[0] or "sha256"
            state["checksum"] = "{}:{}".format(
                algorithm, _hash(algorithm, system.read_chunks(path))
            )
        return state

    def fix(self, system: System, difference: Difference) -> None:
        """Get it, and put it in place once it is known to be right."""
        path = system.resolve(self._path(system))
        if not {"type", "checksum"} & set(difference):
            return owned_as(system, path, difference)
        chunks = self._download(system)
        if self.checksum:
            chunks = _verified(chunks, *self._declared(system), self.url)
        return system.write_chunks(path, chunks, mode=self.mode, owner=self.owner, group=self.group)

    def _path(self, system: System) -> str:
        status = system.stat(system.resolve(self.dest))
        if status is None or status.type != "directory":
            return self.dest
        return "{}/{}".format(self.dest.rstrip("/"), _file_name(self.url))

    def _download(self, system: System) -> Iterable[bytes]:
        return system.download(self.url, headers=self.headers, timeout=self.timeout)

    def _declared(self, system: System) -> Tuple[str, str]:
        """Return the algorithm and the hash, out of a list where that was given."""
        algorithm, _, value = self.checksum.partition(":")
        if algorithm not in hashlib.algorithms_available:
            raise Failure("{!r} is no checksum".format(self.checksum), hint="write sha256:…")
        if "://" not in value:
            return algorithm, value.strip().lower()
        listed = b"".join(system.download(value, headers=self.headers, timeout=self.timeout))
        name = _file_name(self.url)
        for line in listed.decode("utf-8", "replace").splitlines():
            words = line.split()
            if len(words) == 1 or (len(words) == 2 and words[1].lstrip("*./") == name):  # noqa: PLR2004
                return algorithm, words[0].lower()
        raise Failure("{} names no {}".format(value, name))


def _file_name(url: str) -> str:
    return url.split("?", maxsplit=1)[0].split("#", maxsplit=1)[0].rstrip("/").rpartition("/")[2]


def _hash(algorithm: str, chunks: Iterable[bytes]) -> str:
    digest = hashlib.new(algorithm)
    for chunk in chunks:
        digest.update(chunk)
    return digest.hexdigest()


def _verified(chunks: Iterable[bytes], algorithm: str, declared: str, url: str) -> Iterator[bytes]:
    digest = hashlib.new(algorithm)
    for chunk in chunks:
        digest.update(chunk)
        yield chunk
    if digest.hexdigest() != declared:
        raise Failure(
            "what is at {} has another checksum".format(url),
            expected="{}:{}".format(algorithm, declared),
            found="{}:{}".format(algorithm, digest.hexdigest()),
            hint="nothing was replaced; if the new file can be trusted, declare its checksum",
        )
