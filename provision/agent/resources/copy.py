"""A file with a given content."""

from __future__ import annotations

import hashlib
from typing import Iterable, Iterator, Optional

from provision.agent.failure import Failure, NotThereYet
from provision.agent.resource import Difference, Resource, State
from provision.agent.resources.ownership import (
    make_parent,
    owned_as,
    ownership,
    ownership_of,
    require_parent,
)
from provision.agent.system import System

_SHOWN = 262144  # bytes; a longer content is compared and shown by its hash
_SECRET = "(secret)"  # noqa: S105 - what is shown instead of one


class Copy(Resource):
    """A regular file: its content, owner, group and mode.

    Args:
        dest: the absolute path. Where a directory stands there, or it ends with a slash (then the
            directory is created), the file is ``basename`` inside of it.
        content: the text; or
        sha256, size: of a content that the controller sends when it is asked for it; or
        remote_src: the path of a file on the host.
        basename: the file's name in a directory.
        mode: permission bits as a number; None keeps what is there.
        owner, group: names or numbers; None keeps what is there.
        force: replace another content; else only a missing file is written.
        follow: write to where a link at ``dest`` leads, instead of replacing the link.
        validate: a command with ``%s`` for a copy of the new file, which must exit with 0 before
            the old file is replaced (``visudo -cf %s``).
        backup: keep the old file beside the new one, its time in its name.
        secret: never show the content, nor a hash of it.

    """

    dest: str
    content: Optional[str] = None
    sha256: Optional[str] = None
    size: int = 0
    remote_src: Optional[str] = None
    basename: Optional[str] = None
    mode: Optional[int] = None
    owner: Optional[str] = None
    group: Optional[str] = None
    force: bool = True
    follow: bool = False
    validate: Optional[str] = None
    backup: bool = False
    secret: bool = False

    def expected(self, system: System) -> State:
        """Return the content (or its hash) and the ownership that was declared."""
        path = self._path(system)
        state: State = {"type": "file"}
        if not self.force and system.exists(path):
            pass
        elif self.secret:
            state["content"] = _SECRET
        elif self._shows(system, path):
            state["content"] = self.content
        else:
            state["sha256"] = self._digest(system)
        return {**state, **ownership(system, self.mode, self.owner, self.group)}

    def actual(self, system: System) -> State:
        """Return what stands at ``dest``."""
        path = self._path(system)
        status = system.stat(path)
        if status is None:
            if not self.dest.endswith("/"):
                require_parent(system, path)
            return {"type": "absent"}
        if status.type == "link":
            return {"type": "link"}
        if status.type != "file":
            raise Failure(
                "{} is a {}, not a file".format(path, status.type),
                hint="remove it, or choose another path",
            )
        state: State = {"type": "file", **ownership_of(status)}
        if self.secret:
            same = system.sha256(path) == self._digest(system)
            state["content"] = _SECRET if same else "(another secret)"
        elif self._shows(system, path):
            state["content"] = system.read_text(path)
        else:
            state["sha256"] = system.sha256(path)
        return state

    def fix(self, system: System, difference: Difference) -> None:
        """Replace the file, or only its ownership where the content is the same."""
        path = self._path(system)
        if not {"type", "content", "sha256"} & set(difference):
            return owned_as(system, path, difference)
        make_parent(system, path)
        if self.backup and system.exists(path):
            system.backup(path)
        return system.write_chunks(
            path,
            self._chunks(system),
            mode=self.mode,
            owner=self.owner,
            group=self.group,
            validate=self.validate,
        )

    def _path(self, system: System) -> str:
        """Return where the file itself is to stand."""
        status = system.stat(system.resolve(self.dest))
        is_directory = status is not None and status.type == "directory"
        if self.basename is not None and (is_directory or self.dest.endswith("/")):
            path = "{}/{}".format(self.dest.rstrip("/"), self.basename)
        else:
            path = self.dest
        return system.resolve(path) if self.follow else path

    def _shows(self, system: System, path: str) -> bool:
        """Tell whether old and new content are short enough for a diff."""
        if self.content is None or len(self.content) > _SHOWN:
            return False
        status = system.stat(path)
        return status is None or status.size <= _SHOWN

    def _digest(self, system: System) -> str:
        if self.content is not None:
            return hashlib.sha256(self.content.encode("utf-8", "surrogateescape")).hexdigest()
        if self.sha256 is not None:
            return self.sha256
        digest = system.sha256(self.remote_src or "")
        if digest is None:
            raise NotThereYet("there is no file {} on the host".format(self.remote_src))
        return digest

    def _chunks(self, system: System) -> Iterable[bytes]:
        if self.content is not None:
            return [self.content.encode("utf-8", "surrogateescape")]
        if self.sha256 is not None:
            return self._received(system, self.sha256)
        return system.read_chunks(self.remote_src or "")

    def _received(self, system: System, sha256: str) -> Iterator[bytes]:
        """Yield what the controller sends, telling how far it is, and hold it to its hash."""
        digest, done = hashlib.sha256(), 0
        for chunk in system.fetch_content(sha256):
            digest.update(chunk)
            done += len(chunk)
            system.emitter.progress("upload", done, self.size or None, "bytes")
            yield chunk
        if digest.hexdigest() != sha256:
            raise Failure("the content changed while it was being sent", hint="run it again")
