"""Proof that a login works: a connection of its own, the key, the new user, sudo."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

from provision.agent.resources.execute import Execute
from provision.agent.resources.login_trouble import LoginTrouble
from provision.agent.resources.password_login import (
    PasswordLoginClosed,
    PasswordLoginKept,
    PasswordLoginReopened,
)
from provision.engine.link import HostLink
from provision.errors import UnreachableError
from provision.tasks.host import Host
from provision.tasks.outcome import HostFailedError
from provision.transport.endpoint import Endpoint
from provision.transport.offers import offered_methods
from provision.transport.result import Result

_PASSWORDS = {"password", "keyboard-interactive"}
_SETTLING = 10.0  # seconds for a reloaded sshd to listen again, and to know what it has read
_POLL = 0.2
_T = TypeVar("_T")


def prove(endpoint: Endpoint) -> HostLink:
    """Return an open link to ``endpoint`` on which a command has been run as root.

    Raises:
        UnreachableError: the login or sudo is refused, or there is no answer.

    """
    link = HostLink(endpoint)
    try:
        channel = link.channel("root")
        future = channel.submit(Execute(command="id -u"))
        channel.flush()
        if future.result().data.get("stdout", "").strip() != "0":
            raise UnreachableError(f"host {endpoint.name}: sudo leads to another user than root")
    except BaseException:
        link.close()
        raise
    return link


def prove_login(host: Host, endpoint: Endpoint) -> HostLink:
    """Return a link by the new login; where it does not work, report why and fail the host.

    Args:
        host: reached by the old login, which stays open.
        endpoint: the new login.

    Raises:
        HostFailedError: the new login does not work. Nothing has been closed.

    """
    label = f"log in as {endpoint.user}"
    host.wait()
    try:
        link = prove(endpoint)
    except UnreachableError as error:
        _report(host, label, endpoint, error, "the old login is as it was")
        raise HostFailedError(error.message) from error
    host.note(label, Result("ok", message="a new connection, the key, sudo"))
    return link


def _report(
    host: Host, label: str, endpoint: Endpoint, error: UnreachableError, state: str
) -> None:
    """Fail the host with what sshd and the account say of the login that was refused."""
    from provision.transport.explain import is_refused

    question = LoginTrouble(user=str(endpoint.user), sudo=not is_refused(error))
    trouble = host.ask(question, name="why the login is refused")
    found = "; ".join(trouble["found"])
    hint = f"{state}; {error.hint}" if error.hint and not found else f"{state}; correct that"
    host.note(
        label,
        Result(
            "failed",
            message=error.message,
            expected=f"{endpoint.user} logs in by key and may use sudo without a password",
            found=found,
            log=tuple(trouble["log"]),
            hint=hint,
        ),
    )


def close_password_login(host: Host, endpoint: Endpoint) -> None:
    """Close password login and root's, try the new login once more, and undo it should that fail.

    Args:
        host: reached by the old login; the change lives and dies with that session until kept.
        endpoint: the new login, which has been proven.

    Raises:
        HostFailedError: it is not closed; it has been reported why, and the old state is back.

    """
    offered = sorted(offered_methods(endpoint))
    closing = host.apply(
        PasswordLoginClosed(user=str(endpoint.user), offered=offered), name="close password login"
    )
    if not closing.changed or host.check:
        return
    label = f"log in as {endpoint.user} again"
    try:
        _when_settled(lambda: prove(endpoint)).close()
        _when_settled(lambda: _require_keys_alone(endpoint))
    except UnreachableError as error:
        host.apply(PasswordLoginReopened(), name="undo: close password login").result()
        _report(host, label, endpoint, error, "password login is as it was before")
        raise HostFailedError(error.message) from error
    host.ask(PasswordLoginKept(), name="keep password login closed")
    host.note(label, Result("ok", message="a new connection, the key, sudo; no password"))


def _require_keys_alone(endpoint: Endpoint) -> None:
    methods = _PASSWORDS & offered_methods(endpoint)
    if methods:
        raise UnreachableError(
            f"host {endpoint.name}: its sshd still offers {' and '.join(sorted(methods))}",
            hint="does sshd run with another configuration than /etc/ssh/sshd_config?",
        )


def _when_settled(attempt: Callable[[], _T]) -> _T:
    """Return what ``attempt`` returns, tried again while sshd may still be reloading."""
    from provision.transport.explain import is_refused

    deadline = time.monotonic() + _SETTLING
    while True:
        try:
            return attempt()
        except UnreachableError as error:
            if is_refused(error) or time.monotonic() > deadline:
                raise
            time.sleep(_POLL)
