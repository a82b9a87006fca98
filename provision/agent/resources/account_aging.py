"""An account that does not end by itself."""

from __future__ import annotations

import time
from typing import List

from provision.agent import accounts
from provision.agent.resource import Difference, Resource, State
from provision.agent.system import System

_NEVER = 10000  # days; /etc/login.defs says 99999 for "never", chage(1) prints that above this
_DAY = 86400


class AccountAging(Resource):
    """That neither the account nor its password expires, as for one that only programs use.

    PAM refuses key logins and sudo, too, once a password has expired; many hardened images let new
    passwords expire after 90 days (``PASS_MAX_DAYS`` in login.defs(5)).

    Args:
        user: an existing user.

    """

    user: str

    def expected(self, system: System) -> State:
        """Return that nothing expires."""
        accounts.require_user(system, self.user)
        return {"password expires": "never", "account expires": "never"}

    def actual(self, system: System) -> State:
        """Return the same of /etc/shadow (shadow(5))."""
        fields = accounts.shadow(system, self.user)
        last, longest, end = fields[2], fields[4], fields[7]
        aged = "never"
        if last == "0":
            aged = "now"
        elif longest not in ("", "-1") and int(longest) < _NEVER:
            aged = "after {} days".format(longest)
        expires = "never" if end in ("", "-1") else "on day {} of Unix time".format(end)
        return {"password expires": aged, "account expires": expires}

    def fix(self, system: System, difference: Difference) -> None:
        """Have ``chage`` write it."""
        options: List[str] = ["-E", "-1"] if "account expires" in difference else []
        if "password expires" in difference:
            options += ["-M", "-1", "-I", "-1"]
            if difference["password expires"].actual == "now":
                options += ["-d", str(int(time.time()) // _DAY)]
        system.must_run(["chage", *options, self.user])
