"""A file with a given content."""

from __future__ import annotations

import hashlib
from typing import Iterable, Optional

from provision.agent.failure import Failure
from provision.agent.resource import Difference, Resource, State
from provision.agent.resources.ownership import owned_as, ownership
from provision.agent.system import System

_SHOWN = 262144  # bytes; longer or binary content is compared and shown by its hash


class Copy(Resource):
    """A regular file: its content, owner, group and mode.

    Args:
        dest: the absolute path.
        content: the text; or
        sha256, size: of a content that the controller sends when it is asked for it.
        mode: permission bits as a number; None keeps what is there.
        owner, group: names or numbers; None keeps what is there.
        validate: a command with ``%s`` for a copy of the new file, which must exit with 0 before
            the old file is replaced (``visudo -cf %s``).
        backup: keep the old file beside the new one, its time in its name.
        secret: never show the content.

    """

    dest: str
    content: Optional[str] = None
    sha256: Optional[str] = None
    size: int = 0
    mode: Optional[int] = None
    owner: Optional[str] = None
    group: Optional[str] = None
    validate: Optional[str] = None
    backup: bool = False
    secret: bool = False

    def expected(self, system: System) -> State:
        """Return the content (or its hash) and the ownership that was declared."""
        state: State = {"type": "file"}
        if self.content is not None and not self.secret and len(self.content) <= _SHOWN:
            state["content"] = self.content
        else:
            state["sha256"] = self._digest()
        return {**state, **ownership(system, self.mode, self.owner, self.group)}

    def actual(self, system: System) -> State:
        """Return what stands at ``dest``."""
        status = system.stat(self.dest)
        if status is not None and status.type == "link":
            status = system.stat(system.resolve(self.dest))
        if status is None:
            return {"type": "absent"}
        if status.type != "file":
            raise Failure(
                "{} is a {}, not a file".format(self.dest, status.type),
                hint="remove it, or choose another path",
            )
        state: State = {
            "type": "file",
            "mode": status.mode,
            "owner": status.owner,
            "group": status.group,
        }
        if "content" in self.expected(system):
            state["content"] = system.read_text(self.dest)
        else:
            state["sha256"] = system.sha256(self.dest)
        return state

    def fix(self, system: System, difference: Difference) -> None:
        """Replace the file, or only its ownership where the content is the same."""
        if {"type", "content", "sha256"} & set(difference):
            if self.backup and system.exists(self.dest):
                system.backup(self.dest)
            system.write_chunks(
                self.dest,
                self._chunks(system),
                mode=self.mode,
                owner=self.owner,
                group=self.group,
                validate=self.validate,
            )
        else:
            owned_as(system, self.dest, difference)

    def _digest(self) -> str:
        if self.content is None:
            return self.sha256 or ""
        return hashlib.sha256(self.content.encode("utf-8", "surrogateescape")).hexdigest()

    def _chunks(self, system: System) -> Iterable[bytes]:
        if self.content is not None:
            return [self.content.encode("utf-8", "surrogateescape")]
        return _verified(system.fetch_content(self.sha256 or ""), self.sha256 or "")


def _verified(chunks: Iterable[bytes], sha256: str) -> Iterable[bytes]:
    digest = hashlib.sha256()
    for chunk in chunks:
        digest.update(chunk)
        yield chunk
    if digest.hexdigest() != sha256:
        raise Failure("the content changed while it was being sent", hint="run it again")
