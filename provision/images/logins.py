"""Credentials for registries that a run holds in memory, and its hosts never keep."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta

from provision.images.ecr import EcrLogin, ecr_login

_RENEWED_BEFORE = timedelta(minutes=30)  # a pull that begins now must not find it expired


class Logins:
    """The logins at ECR that one run has asked for; whoever asks first asks for all hosts."""

    def __init__(self) -> None:
        self._ecr: dict[str, tuple[str, EcrLogin]] = {}  # server -> profile, login
        self._hide: list[Callable[[set[str]], None]] = []
        self._lock = threading.Lock()

    def hide_with(self, hide: Callable[[set[str]], None]) -> None:
        """Tell ``hide`` of every password, before anybody else learns of it."""
        self._hide.append(hide)

    def ecr(self, server: str, profile: str = "") -> EcrLogin:
        """Return a login at a registry of ECR that will last for the next half hour.

        Raises:
            TaskError: there is none, see ``ecr_login``.

        """
        with self._lock:
            known = self._ecr.get(server)
            if known is not None and known[1].expires - datetime.now(UTC) > _RENEWED_BEFORE:
                return known[1]
            login = ecr_login(server, profile)
            for hide in self._hide:
                hide({login.password})
            self._ecr[server] = (profile, login)
            return login

    def known(self) -> dict[str, Sequence[str]]:
        """Return registry -> username and password, each still valid for a while."""
        logins = {
            server: self.ecr(server, profile) for server, (profile, _) in [*self._ecr.items()]
        }
        return {server: (login.username, login.password) for server, login in logins.items()}
