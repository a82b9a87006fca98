"""What sshd makes of a user's login."""

from __future__ import annotations

import re

from provision.agent import accounts
from provision.agent.failure import Failure
from provision.agent.resource import Data, Query
from provision.agent.sshd import settings_for
from provision.agent.system import System


class LoginSettings(Query):
    """Ask sshd where it looks for a user's keys; the user need not exist yet.

    Args:
        user: the login name.

    """

    user: str

    def answer(self, system: System) -> Data:
        """Return ``keys_file`` and ``shell``.

        The first is the path that keys belong into, None for ``~/.ssh/authorized_keys``; the second
        is the user's login shell, None where there is no such user.

        Raises:
            Failure: sshd takes no keys from files, or its configuration is not valid.

        """
        settings = settings_for(system, self.user)
        first = settings["authorizedkeysfile"][0].split()[0]
        if settings["pubkeyauthentication"] != ["yes"] or first == "none":
            raise Failure(
                "sshd takes no public keys from {}".format(self.user),
                expected="PubkeyAuthentication yes, and an AuthorizedKeysFile",
                found="PubkeyAuthentication {}, AuthorizedKeysFile {}".format(
                    settings["pubkeyauthentication"][0], first
                ),
                hint="change that in /etc/ssh/sshd_config of the host",
            )
        user = accounts.find_user(system, self.user)
        home = user.home if user is not None else "/home/" + self.user
        tokens = {"%%": "%", "%h": home, "%u": self.user}
        path = re.sub("%[%hu]", lambda match: tokens[match.group()], first)
        path = path if path.startswith("/") else "{}/{}".format(home, path)
        return {
            "keys_file": None if path == home + "/.ssh/authorized_keys" else path,
            "shell": user.shell if user is not None else None,
        }
