"""Proving who we are: keys, the SSH agent, a password; in OpenSSH's order.

Paramiko's own order opens every key file three times for every host, goes on with all keys of the
agent whatever ``IdentitiesOnly`` says, and takes the first half of a two-factor login for a whole.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from functools import lru_cache
from pathlib import Path

import paramiko
from cryptography.exceptions import UnsupportedAlgorithm
from paramiko.auth_strategy import AuthSource, AuthStrategy

from provision.transport.route import Hop

_DEFAULT_KEYS = ("id_ed25519", "id_ecdsa", "id_rsa")
_PASSWORD_TYPES = {"password", "keyboard-interactive"}

Attempt = Callable[[], list[str]]  # answers with what the server wants besides; empty: nothing


class LoginRefused(paramiko.AuthenticationException):
    """None of what was at hand opened the server.

    Args:
        tried: what was offered, in order.
        unusable: keys that could not be offered, each with the reason.

    """

    def __init__(self, message: str, tried: list[str], unusable: list[str]) -> None:
        super().__init__(message)
        self.tried = tried
        self.unusable = unusable


class Login(AuthStrategy):
    """The login to one server, in the shape that paramiko's client takes."""

    def __init__(self, hop: Hop) -> None:
        self._hop = hop
        self._tried: list[str] = []
        self._unusable: list[str] = []

    def get_sources(self) -> Iterator[AuthSource]:
        """Yield nothing: what is tried next depends on what the server said before."""
        return iter(())

    def authenticate(self, transport: paramiko.Transport) -> None:  # type: ignore[override]
        """Try one thing after the other until the server is satisfied.

        Raises:
            LoginRefused: it never was.

        """
        wanted = {"publickey", *_PASSWORD_TYPES}
        for kind, what, attempt in self._attempts(transport):
            if not wanted & kind:
                continue
            self._tried.append(what)
            try:
                wanted = set(attempt())
            except paramiko.BadAuthenticationType as refusal:
                wanted = set(refusal.allowed_types)
                continue
            except paramiko.AuthenticationException as refusal:
                if not transport.is_active():
                    raise self._refused(str(refusal)) from None
                continue
            if not wanted:
                return
        raise self._refused("")

    def _refused(self, message: str) -> LoginRefused:
        return LoginRefused(message, self._tried, self._unusable)

    def _attempts(self, transport: paramiko.Transport) -> Iterator[tuple[set[str], str, Attempt]]:
        user, password = self._hop.user, self._hop.password
        seen = set()
        for what, key in self._keys():
            if key.asbytes() in seen:
                continue  # the agent has it as well; sshd counts attempts
            seen.add(key.asbytes())
            yield {"publickey"}, what, lambda key=key: transport.auth_publickey(user, key)  # type: ignore[misc]
        if password is not None:
            # Falls back to keyboard-interactive, which many a PAM set-up has in its stead.
            yield _PASSWORD_TYPES, "password", lambda: transport.auth_password(user, password)

    def _keys(self) -> Iterator[tuple[str, paramiko.PKey]]:
        named = self._hop.key_files
        defaults = tuple(Path("~/.ssh").expanduser() / name for name in _DEFAULT_KEYS)
        if named:
            yield from self._from_files(named)
        yield from self._from_agent()
        if not named:
            yield from self._from_files(tuple(path for path in defaults if path.exists()))

    def _from_files(self, paths: tuple[Path, ...]) -> Iterator[tuple[str, paramiko.PKey]]:
        for path in dict.fromkeys(paths):
            try:
                yield f"key {path}", _load(path, path.stat().st_mtime_ns)
            except OSError as error:
                self._unusable.append(f"{path}: {(error.strerror or str(error)).lower()}")
            except _Encrypted:
                self._unusable.append(f"{path}: encrypted, load it into ssh-agent (ssh-add {path})")
            except (ValueError, UnsupportedAlgorithm, paramiko.SSHException):
                self._unusable.append(f"{path}: not a private key that can be used")

    def _from_agent(self) -> Iterator[tuple[str, paramiko.PKey]]:
        """Yield the agent's keys; under ``IdentitiesOnly`` those whose ``.pub`` file is named."""
        if not os.environ.get("SSH_AUTH_SOCK"):
            return
        agent = paramiko.Agent()
        try:
            wanted = {_public_blob(path) for path in self._hop.key_files}
            for key in agent.get_keys():
                if not self._hop.identities_only or key.asbytes() in wanted:
                    yield f"agent's key {key.comment or key.fingerprint}", key
        finally:
            agent.close()


class _Encrypted(Exception):
    pass


@lru_cache(maxsize=64)
def _load(path: Path, modified: int) -> paramiko.PKey:
    """Read a private key, and its certificate beside it, once for all hosts."""
    try:
        return paramiko.PKey.from_path(path)
    except (TypeError, paramiko.PasswordRequiredException):  # cryptography raises TypeError
        raise _Encrypted from None


def _public_blob(path: Path) -> bytes | None:
    """Return the public half of a key file in wire format, out of the ``.pub`` file beside it."""
    import base64

    public = path if path.suffix == ".pub" else path.with_name(path.name + ".pub")
    try:
        return base64.b64decode(public.read_text(encoding="utf-8").split()[1])
    except (OSError, IndexError, ValueError):
        return None
