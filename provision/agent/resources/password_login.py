"""Closing an SSH server to passwords and to root, so that the way back stays open.

The change lasts only once it has been kept: whatever ends the session before that, Ctrl-C, a lost
connection or a killed controller, the agent puts the old state back.
"""

from __future__ import annotations

from typing import Dict, Iterator, List, Optional, Sequence

from provision.agent import sshd
from provision.agent.failure import Failure
from provision.agent.resource import Data, Difference, Query, Resource, State
from provision.agent.system import System

# sshd takes the first value that it reads, and these files by name: before 50-cloud-init.conf.
PATH = "/etc/ssh/sshd_config.d/00-provision.conf"
_UNDO = "password login before"  # key of the earlier content in the session's memo
_PASSWORDS = ("passwordauthentication", "kbdinteractiveauthentication")
_METHODS = {"password", "keyboard-interactive"}
_STRANGER = "somebody-else"  # any name without a Match block of its own
_TEXT = """\
# Written by provision bootstrap. sshd takes the first value that it reads.
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitRootLogin {}
"""


class PasswordLoginClosed(Resource):
    """That keys alone open the server, and root's do not, unless ``user`` is root.

    Args:
        user: the user whose login by key has been tried, and must go on working.
        offered: the methods of login that the server which runs offers from outside.

    """

    user: str
    offered: Sequence[str]

    def expected(self, system: System) -> State:
        """Return our file, and what has to come of it."""
        return {
            "content": _TEXT.format(self._root_login()),
            "password login": "closed",
            "root login": self._root_login(),
            "running sshd": "offers keys alone",
        }

    def actual(self, system: System) -> State:
        """Return the same: our file, what sshd makes of all of its files, and what it offers."""
        more = sorted(_METHODS & set(self.offered))
        return {
            "content": system.read_text(PATH),
            "password login": "; ".join(_open_to_passwords(system, self._users())) or "closed",
            "root login": _root_login(system),
            "running sshd": "offers " + (" and ".join(more) if more else "keys alone"),
        }

    def fix(self, system: System, difference: Difference) -> None:
        """Write the file, hold it to what sshd makes of it, and have the server read it.

        Raises:
            Failure: it would not be valid, or not do what it says; all is as it was.

        """
        _remember(system)
        try:
            if not system.exists(PATH.rpartition("/")[0]):
                system.make_directory(PATH.rpartition("/")[0], 0o755)
            content = _TEXT.format(self._root_login()).encode()
            system.write(PATH, content, mode=0o600, owner="root", group="root")
            sshd.check(system)
            self._require_closed(system)
            sshd.reload(system)
        except Failure:
            undo(system)
            raise

    def _users(self) -> List[str]:
        return list(dict.fromkeys([self.user, "root", _STRANGER]))

    def _root_login(self) -> str:
        return "prohibit-password" if self.user == "root" else "no"

    def _require_closed(self, system: System) -> None:
        still_open = list(_open_to_passwords(system, self._users()))
        root = _root_login(system)
        if root != self._root_login():
            still_open.append("root login: {}".format(root))
        if still_open:
            raise Failure(
                "password login would stay open: {} does not decide".format(PATH),
                expected="passwords closed, root login {}".format(self._root_login()),
                found="; ".join(still_open),
                log=_overriding(system),
                hint=_advice(system),
            )


class PasswordLoginKept(Query):
    """Keep what ``PasswordLoginClosed`` has done: the login has been tried once more."""

    def answer(self, system: System) -> Data:
        """Return whether there was something to keep."""
        return {"kept": system.memo.pop(_UNDO, None) is not None}


class PasswordLoginReopened(Resource):
    """That what ``PasswordLoginClosed`` has done in this session is undone."""

    def expected(self, system: System) -> State:
        """Return that it is."""
        return {"sshd": "as before"}

    def actual(self, system: System) -> State:
        """Return whether something has been done."""
        return {"sshd": "changed" if _UNDO in system.memo else "as before"}

    def fix(self, system: System, difference: Difference) -> None:
        """Undo it."""
        undo(system)


def _remember(system: System) -> None:
    """Note what to go back to, before anything is changed."""
    if _UNDO not in system.memo:
        system.memo[_UNDO] = {"content": system.read(PATH)}
        system.at_end.append(lambda: undo(system))


def undo(system: System) -> None:
    """Put the old file back and have the server read it, unless the change has been kept."""
    before: Optional[Dict[str, Optional[bytes]]] = system.memo.pop(_UNDO, None)
    if before is None:
        return
    if before["content"] is None:
        system.remove(PATH)
    else:
        system.write(PATH, before["content"], mode=0o600)
    sshd.reload(system)


def _root_login(system: System) -> str:
    value = sshd.settings_for(system, "root")["permitrootlogin"][0]
    return "prohibit-password" if value == "without-password" else value


def _open_to_passwords(system: System, users: Sequence[str]) -> Iterator[str]:
    """Yield for whom passwords count: of the users asked about, and in whatever Match block."""
    for user in users:
        settings = sshd.settings_for(system, user)
        if any(settings[keyword] != ["no"] for keyword in _PASSWORDS):
            yield "open for {}".format("others" if user == _STRANGER else user)
    for statement in sshd.statements(system):
        if statement.match and statement.keyword in _PASSWORDS and statement.value.lower() != "no":
            yield "open by {}".format(statement.where)


def _overriding(system: System) -> List[str]:
    """Return the statements that count instead of ours."""
    found, decided = [], set()
    for statement in sshd.statements(system):
        if statement.keyword not in (*_PASSWORDS, "permitrootlogin"):
            continue
        ours = statement.path == PATH
        if not ours and (statement.match or statement.keyword not in decided):
            found.append("{}: {} {}".format(statement.where, statement.keyword, statement.value))
        if not statement.match:
            decided.add(statement.keyword)
    return found


def _advice(system: System) -> str:
    if any(statement.path == PATH for statement in sshd.statements(system)):
        return "remove the settings shown, which count before ours; then run it again"
    return "sshd does not read {0}/*.conf: make `Include {0}/*.conf` the first line of {1}".format(
        PATH.rpartition("/")[0], sshd.CONFIG
    )
