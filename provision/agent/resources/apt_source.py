"""A one-line package source, as ``sources.list`` has them."""

from __future__ import annotations

import re
from typing import Dict, List, Optional

from provision.agent.apt_get import AptGet
from provision.agent.failure import Failure
from provision.agent.resource import Difference, Resource, State
from provision.agent.system import System

_DIRECTORY = "/etc/apt/sources.list.d/"
_MAIN = "/etc/apt/sources.list"
_LINE = re.compile(r"deb(-src)?\s+(\[[^\]]*\]\s+)?\S+\s+\S+.*")


class AptSource(Resource):
    """A line such as ``deb [signed-by=…] https://deb.example.org trixie main``.

    Lines are compared without regard to blanks, in every ``.list`` file of the host.

    Args:
        repo: the line.
        filename: of the file for a new line, without ``.list``; by default made from the address
            as Ansible's ``apt_repository`` does.
        state: "present" or "absent".
        mode: permission bits of a new file.
        update_cache: fetch the package lists after a change; where that fails, undo the change.
        lock_timeout: seconds to wait for another package manager to finish.

    """

    repo: str
    filename: Optional[str] = None
    state: str = "present"
    mode: int = 0o644
    update_cache: bool = True
    lock_timeout: float = 300

    def expected(self, system: System) -> State:
        """Return whether the line should be there."""
        if not _LINE.fullmatch(self.repo.strip()):
            raise Failure(
                "{!r} is not a package source".format(self.repo),
                hint="deb [options] URI SUITE COMPONENT…; a PPA has such a line, too",
            )
        return {"line": self._line() if self.state == "present" else None}

    def actual(self, system: System) -> State:
        """Return whether it is."""
        return {"line": self._line() if self._places(system) else None}

    def fix(self, system: System, difference: Difference) -> None:
        """Add the line to its file, or remove it from all files."""
        paths = [self._path()] if self.state == "present" else self._places(system)
        before: Dict[str, Optional[str]] = {path: system.read_text(path) for path in paths}
        try:
            for path, text in before.items():
                self._put(system, path, self._changed(text or ""))
            if self.update_cache:
                AptGet(system, self.lock_timeout).update()
        except Failure:
            for path, text in before.items():
                self._put(system, path, text or "")
            raise

    def _line(self) -> str:
        return _normal(self.repo)

    def _path(self) -> str:
        name = self.filename or _file_name(self.repo)
        return _DIRECTORY + (name if name.endswith(".list") else name + ".list")

    def _places(self, system: System) -> List[str]:
        paths = [_MAIN, *system.glob(_DIRECTORY + "*.list")]
        return [path for path in paths if self._line() in _lines(system.read_text(path))]

    def _changed(self, text: str) -> str:
        if self.state == "present":
            return text + ("" if text.endswith("\n") or not text else "\n") + self._line() + "\n"
        lines = text.splitlines(keepends=True)
        return "".join(line for line in lines if _normal(line) != self._line())

    def _put(self, system: System, path: str, text: str) -> None:
        if text or path == _MAIN:
            system.write(path, text.encode("utf-8", "surrogateescape"), mode=self.mode)
        elif system.exists(path):
            system.remove(path)


def _normal(line: str) -> str:
    return " ".join(line.partition("#")[0].split())


def _lines(text: Optional[str]) -> List[str]:
    return [_normal(line) for line in (text or "").splitlines()]


def _file_name(line: str) -> str:
    """Return the file name that Ansible gives a line: its address without what is no letter."""
    address = re.sub(r"\[[^\]]+\]|\w+://", "", line).split()[1]
    return "_".join(re.sub(r"[^a-zA-Z0-9]", " ", address.rpartition("@")[2]).split())
