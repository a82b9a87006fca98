"""The testinfra backend: commands run over the connection that is open already."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from testinfra.backend.base import BaseBackend, CommandResult

from provision.verify.target import Completed

_ENCODING = "utf-8"  # of the agent's side, whatever the host's locale
_AS_USER = (
    '[ "$(id -u)" = 0 ] && set -- runuser || set -- sudo -n; exec "$@" -u %s -- /bin/sh -c %s'
)
_ERRORS = "surrogateescape"  # what is not UTF-8 comes through all the same


class ProvisionBackend(BaseBackend):  # type: ignore[misc]  # testinfra is untyped
    """Runs commands as root through a host's agent.

    Args:
        hostname: the host's name in the inventory.
        execute: runs a shell command there.

    """

    NAME = "provision"

    def __init__(self, hostname: str, execute: Callable[[str], Completed]) -> None:
        super().__init__(hostname)
        self._encoding = _ENCODING
        self._execute = execute

    def run(self, command: str, *args: str, **kwargs: Any) -> CommandResult:
        """Run a command; ``args`` are quoted into it. Any exit code is a result."""
        line = self.get_command(command, *args)
        done = self._execute(line)
        return self.result(
            done.rc, self.encode(line), self.encode(done.stdout), self.encode(done.stderr)
        )

    def get_sudo_command(self, command: str, sudo_user: str | None) -> str:
        """Return ``command`` for another user, by default root.

        Root can do without sudo, which may be missing; another user, whose command holds this one,
        has the rights that sudo gives.
        """
        text: str = self.quote(_AS_USER, sudo_user or "root", command)
        return text

    def encode(self, data: str) -> bytes:
        """Return a text's bytes as the host has them."""
        return data.encode(_ENCODING, _ERRORS)

    def decode(self, data: bytes) -> str:
        """Return bytes of the host as text."""
        return data.decode(_ENCODING, _ERRORS)
