"""Why a login did not work, in the host's own words."""

from __future__ import annotations

from typing import Iterator, List

from provision.agent import accounts
from provision.agent.resource import Data, Query
from provision.agent.sshd import Settings, settings_for
from provision.agent.system import System

_LOGS = ("/var/log/auth.log", "/var/log/secure")
_TELLING = ("refused", "not allowed", "expired", "locked", "bad ownership", "denied", "error")
_LINES = 200  # of the log that are looked through
_SHOWN = 6
_LISTS = ("DenyUsers", "AllowUsers", "DenyGroups", "AllowGroups")


class LoginTrouble(Query):
    """Ask for what stands in the way of a user's login by key.

    Args:
        user: the login name.
        sudo: whether it is sudo that refuses, and not sshd.

    """

    user: str
    sudo: bool = False

    def answer(self, system: System) -> Data:
        """Return ``found``, what sshd and the account say, and ``log``, sshd's last words on it."""
        if self.sudo:
            found = ["sudo: " + rule for rule in self._rules(system)]
        else:
            found = [*self._lists(settings_for(system, self.user)), *self._account(system)]
        return {"found": found, "log": self._log(system)}

    def _rules(self, system: System) -> Iterator[str]:
        """Yield what sudo lets the user do; the last rule counts."""
        for line in system.run(["sudo", "-n", "-l", "-U", self.user]).stdout.splitlines():
            if line.startswith("    ("):
                yield line.strip()

    def _lists(self, settings: Settings) -> Iterator[str]:
        """Yield who may log in and who may not, where sshd has been told."""
        for name in _LISTS:
            if name.lower() in settings:
                yield "{} {}".format(name, " ".join(settings[name.lower()]))
        methods = settings.get("authenticationmethods", ["any"])[0]
        if methods not in ("any", "publickey"):
            yield "AuthenticationMethods {}".format(methods)

    def _account(self, system: System) -> Iterator[str]:
        user = accounts.find_user(system, self.user)
        if user is None:
            yield "there is no user {}".format(self.user)
        elif user.shell.endswith(("nologin", "false")):
            yield "the shell of {} is {}".format(self.user, user.shell)
        elif accounts.password_hash(system, self.user).startswith("!"):
            yield "the account {} is locked".format(self.user)

    def _log(self, system: System) -> List[str]:
        lines = _journal(system) or [
            line for path in _LOGS for line in (system.read_text(path) or "").splitlines()[-_LINES:]
        ]
        told = [line for line in lines if any(word in line.lower() for word in _TELLING)]
        return list(dict.fromkeys(told))[-_SHOWN:]


def _journal(system: System) -> List[str]:
    if system.which("journalctl") is None:
        return []
    programs = [word for name in ("sshd", "sshd-session", "sshd-auth") for word in ("-t", name)]
    done = system.run(
        ["journalctl", "-q", "--no-pager", "-o", "cat", "--since=-30s", "-n", str(_LINES)]
        + [*programs, "-t", "sudo"]
    )
    return done.stdout.splitlines()
