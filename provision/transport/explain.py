"""Why a connection failed, in words that lead to what to do about it."""

from __future__ import annotations

import os
import socket

import paramiko

from provision.errors import ProvisionError, UnreachableError
from provision.transport.endpoint import Endpoint
from provision.transport.login import LoginRefused
from provision.transport.secured import JumpFailed, SecuredConnection

# What sshd says when it drops a connection; since OpenSSH 9.8 it does not tell for which reason.
_DROPPED = {"Exceeded MaxStartups", "Not allowed at this time"}
_FORBIDDEN = 1  # SSH_OPEN_ADMINISTRATIVELY_PROHIBITED, RFC 4254 section 5.1
_FEW_KEYS = 5  # sshd's MaxAuthTries is 6: a sixth key is the last one


def is_throttled(connection: SecuredConnection, error: BaseException) -> bool:
    """Tell whether sshd dropped the connection before it said who it is."""
    if isinstance(error, JumpFailed):
        return is_throttled(connection.through, error.__cause__ or error)
    if connection.proxy_failure:
        return False
    if isinstance(error, ConnectionResetError | EOFError):
        return True
    return (
        isinstance(error, paramiko.SSHException)
        and not isinstance(error, paramiko.AuthenticationException)
        and isinstance(error.__context__, ConnectionResetError | EOFError)
    )


def is_refused(error: BaseException) -> bool:
    """Tell whether the host itself, none on the way to it, has refused the login."""
    return isinstance(error.__cause__, LoginRefused)


def explain(
    endpoint: Endpoint, connection: SecuredConnection, error: BaseException
) -> ProvisionError:
    """Return the error to raise for a connection to ``endpoint`` that could not be opened."""
    label, cause = connection.hop.label, error
    at = connection
    while isinstance(cause, JumpFailed) and cause.__cause__ is not None:
        label, cause, at = f"jump host {cause.label}", cause.__cause__, at.through
    if isinstance(cause, ProvisionError):
        return cause
    problem, hint = _login(at, cause) or _network(at, cause)
    return UnreachableError(f"host {endpoint.name}: {label}: {problem}", hint=hint)


def _login(connection: SecuredConnection, error: BaseException) -> tuple[str, str] | None:
    if not isinstance(error, paramiko.AuthenticationException):
        return None
    if not isinstance(error, LoginRefused):
        return f"login failed ({error})", "is sshd overloaded? try again"
    user = connection.hop.user
    if error.unusable:
        return f"login as {user} refused", "; ".join(error.unusable)
    if not error.tried:
        return (
            f"login as {user} refused: there is no key and no password to try",
            "set ansible_ssh_private_key_file, start ssh-agent, or give --ask-pass",
        )
    tried = f"login as {user} refused; tried: {', '.join(error.tried)}"
    if len(error.tried) > _FEW_KEYS:
        return tried, "too many keys: set ansible_ssh_private_key_file, or IdentitiesOnly yes"
    more = "and the password" if "password" in error.tried else "or give --ask-pass"
    return tried, f"check the user (ansible_user), and its authorized_keys there; {more}"


def _network(connection: SecuredConnection, error: BaseException) -> tuple[str, str]:
    if connection.proxy_failure:
        return f"its proxy command failed: {connection.proxy_failure}", connection.hop.proxy_command
    if _DROPPED & set(connection.greeting):
        return (
            "sshd drops our connections: too many at a time (MaxStartups), or too many failed"
            " logins from here before (PerSourcePenalties)",
            "correct the login, then wait a minute; or use fewer --forks",
        )
    if isinstance(error, socket.gaierror):
        return (
            f"the name {connection.hop.host} does not resolve",
            "check ansible_host, or add the name to DNS or ssh_config",
        )
    if isinstance(error, paramiko.ChannelException):
        return _behind_jump(connection, error)
    hint = "is the host up, is sshd running, does a firewall drop the port?"
    if connection.greeting and not connection.greeting[-1].startswith("SSH-"):
        said = connection.greeting[-1][:80]
        return f"sshd closed the connection: {said!r}", "is it an SSH server, is it overloaded?"
    return _network_problem(error), hint


def _behind_jump(
    connection: SecuredConnection, error: paramiko.ChannelException
) -> tuple[str, str]:
    jump = connection.through.hop.label
    if error.code == _FORBIDDEN:
        return f"the jump host {jump} forbids forwarding", "allow it there: AllowTcpForwarding yes"
    return (
        f"the jump host {jump} cannot reach {connection.hop.host}:{connection.hop.port}",
        "is the host up, is sshd running, does a firewall drop the port?",
    )


def _network_problem(error: BaseException) -> str:
    timeouts = ("timed out", "timeout", "No existing session")
    text = str(error).strip()
    if isinstance(error.__context__, TimeoutError):
        return "no answer in time"
    if isinstance(error, TimeoutError) or any(words.lower() in text.lower() for words in timeouts):
        return "no answer in time"
    if isinstance(error, OSError) and error.errno:
        return os.strerror(error.errno).lower()
    if isinstance(error, EOFError) or isinstance(error.__context__, EOFError):
        return "sshd closed the connection"
    return text or type(error).__name__
