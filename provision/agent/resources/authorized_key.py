"""The public keys that may log in as a user."""

from __future__ import annotations

import re
from typing import List, NamedTuple, Optional

from provision.agent import accounts
from provision.agent.failure import Failure
from provision.agent.resource import Difference, Resource, State, compare
from provision.agent.resources.edited_file import lines_of
from provision.agent.resources.ownership import owned_as, ownership_of
from provision.agent.system import System

# Options have no spaces outside of quotes; see AUTHORIZED_KEYS FILE FORMAT in sshd(8).
_LINE = re.compile(
    r'(?:((?:[^\s"]|"(?:\\.|[^"\\])*")+)\s+)?'
    r"((?:ssh-|ecdsa-|sk-)\S+)\s+(\S+)(?:\s+(.*))?$"
)


class AuthorizedKey(Resource):
    """That keys are in a user's ``authorized_keys``, or are not; as ``ansible.posix`` does it.

    Args:
        user: the user.
        key: one or more lines as in a ``.pub`` file; empty ones and comments do not count.
        key_options: options for each of them, instead of those in ``key``.
        exclusive: no other lines.
        state: ``present`` or ``absent``.
        path: the file, instead of ``~/.ssh/authorized_keys``.
        manage_dir: the directory exists and belongs to the user alone.

    """

    user: str
    key: str
    key_options: Optional[str] = None
    exclusive: bool = False
    state: str = "present"
    path: Optional[str] = None
    manage_dir: bool = True

    def expected(self, system: System) -> State:
        """Return the file's content, and whose it is."""
        user = accounts.require_user(system, self.user)
        content = self._edited(system.read_text(self._path(user)))
        if self.state == "absent" and not content:
            return {} if not system.exists(self._path(user)) else {"content": content}
        owned = {"owner": self.user, "group": system.group_name(user.gid)}
        state = {"content": content, "mode": 0o600, **owned}
        return {**state, "directory": {"mode": 0o700, **owned}} if self.manage_dir else state

    def actual(self, system: System) -> State:
        """Return the same as it is."""
        path = self._path(accounts.require_user(system, self.user))
        file, directory = system.stat(path), system.stat(path.rpartition("/")[0])
        return {
            "content": system.read_text(path),
            **(ownership_of(file) if file else {}),
            "directory": ownership_of(directory) if directory else None,
        }

    def fix(self, system: System, difference: Difference) -> None:
        """Own the directory and replace the file."""
        user = accounts.require_user(system, self.user)
        path = self._path(user)
        if "directory" in difference:
            self._fix_directory(system, path.rpartition("/")[0], difference["directory"].expected)
        if "content" in difference:
            content = difference["content"].expected.encode("utf-8", "surrogateescape")
            system.write(path, content, mode=0o600, owner=self.user, group=str(user.gid))
        else:
            owned_as(system, path, difference)

    def _path(self, user: accounts.Account) -> str:
        return self.path or "{}/.ssh/authorized_keys".format(user.home)

    def _fix_directory(self, system: System, path: str, expected: State) -> None:
        if not system.exists(path):
            system.make_directory(path, 0o700)
        status = system.stat(path)
        if status is not None:
            owned_as(system, path, compare(expected, ownership_of(status)))

    def _edited(self, content: Optional[str]) -> str:
        declared = [self._with_options(key) for key in _keys(self.key)]
        if not declared:
            raise Failure("{!r} is not a public key".format(self.key[:40]))
        lines = [] if self.exclusive else lines_of(content or "")
        if self.state == "absent":
            blobs = {key.blob for key in declared}
            return "".join(line for line in lines if _blob(line) not in blobs)
        for key in declared:
            lines = _with(lines, key)
        return "".join(lines)

    def _with_options(self, key: "_Key") -> "_Key":
        if self.key_options is None:
            return key
        return key._replace(options=self.key_options)


class _Key(NamedTuple):
    options: str
    type: str
    blob: str
    comment: str

    def line(self) -> str:
        return " ".join(part for part in self if part) + "\n"


def _keys(text: str) -> List[_Key]:
    parsed = (_parse(line) for line in text.splitlines())
    return [key for key in parsed if key is not None]


def _parse(line: str) -> Optional[_Key]:
    """Return the key of a line, or None for a comment."""
    match = None if line.lstrip().startswith("#") else _LINE.match(line.strip())
    return match and _Key(*(part or "" for part in match.groups()))


def _blob(line: str) -> Optional[str]:
    key = _parse(line)
    return None if key is None else key.blob


def _with(lines: List[str], key: _Key) -> List[str]:
    """Return the lines with ``key`` in place of the one with the same blob, or at the end."""
    same = [number for number, line in enumerate(lines) if _blob(line) == key.blob]
    if any(_parse(lines[number]) == key for number in same):
        return lines
    if same:
        return [*lines[: same[0]], key.line(), *lines[same[0] + 1 :]]
    ended = [line if line.endswith("\n") else line + "\n" for line in lines]
    return [*ended, key.line()]
