"""A file of which only a part is declared: what such resources have in common."""

from __future__ import annotations

import re
from typing import List, Optional, Pattern

from provision.agent.failure import Failure, NotThereYet
from provision.agent.resource import Difference, Resource, State
from provision.agent.resources.ownership import make_parent, owned_as, ownership, ownership_of
from provision.agent.system import System


class EditedFile(Resource):
    """A file that is read, edited and replaced as a whole, where the edit changes anything.

    Links are followed, so that the file that is really read by programs is the one that changes.

    Args:
        mode: permission bits as a number; None keeps what is there.
        owner, group: names or numbers; None keeps what is there.
        validate: a command with ``%s`` for a copy of the new file, which must exit with 0 before
            the old file is replaced.
        backup: keep the old file beside the new one, its time in its name.
        secret: never show the content.

    """

    mode: Optional[int] = None
    owner: Optional[str] = None
    group: Optional[str] = None
    validate: Optional[str] = None
    backup: bool = False
    secret: bool = False

    def file(self) -> str:
        """Return the path of the file."""
        raise NotImplementedError

    def edited(self, content: Optional[str]) -> Optional[str]:
        """Return the content as it should be; None is a file that does not exist."""
        raise NotImplementedError

    def expected(self, system: System) -> State:
        """Return the edited content, and the ownership that was declared."""
        old = self._content(system)
        new = self.edited(old)
        if new is None:
            return {}
        shown = "(edited)" if self.secret and new != old else self._shown(new)
        return {"content": shown, **ownership(system, self.mode, self.owner, self.group)}

    def actual(self, system: System) -> State:
        """Return the content and the ownership."""
        status = system.stat(system.resolve(self.file()))
        owned = {} if status is None else ownership_of(status)
        return {"content": self._shown(self._content(system)), **owned}

    def fix(self, system: System, difference: Difference) -> None:
        """Replace the file, or only its ownership where the content is the same."""
        path = system.resolve(self.file())
        if "content" not in difference:
            return owned_as(system, path, difference)
        make_parent(system, path)
        if self.backup and system.exists(path):
            system.backup(path)
        return system.write(
            path,
            (self.edited(self._content(system)) or "").encode("utf-8", "surrogateescape"),
            mode=self.mode,
            owner=self.owner,
            group=self.group,
            validate=self.validate,
        )

    def _shown(self, content: Optional[str]) -> Optional[str]:
        return "(secret)" if self.secret and content is not None else content

    def _content(self, system: System) -> Optional[str]:
        status = system.stat(system.resolve(self.file()))
        if status is not None and status.type != "file":
            raise Failure("{} is a {}, not a file".format(self.file(), status.type))
        return system.read_text(self.file())


def missing(path: str) -> NotThereYet:
    """Return the failure of an edit that must not create its file."""
    return NotThereYet("there is no file {} to edit".format(path), hint="use create to make it")


def pattern_of(text: str) -> Pattern[str]:
    """Return the compiled regular expression.

    Raises:
        Failure: it is none.

    """
    try:
        return re.compile(text)
    except re.error as error:
        raise Failure("{!r} is not a regular expression: {}".format(text, error)) from error


def lines_of(content: str) -> List[str]:
    r"""Return the lines with their ends; only ``\n`` ends one (as Python reads binary files)."""
    lines = [line + "\n" for line in content.split("\n")]
    lines[-1] = lines[-1][:-1]
    return lines if lines[-1] else lines[:-1]
