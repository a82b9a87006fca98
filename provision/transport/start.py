"""From the command that starts an agent to the agent's first word: greetings, sudo, refusals."""

from __future__ import annotations

import time

from provision.errors import UnreachableError
from provision.transport.launch import PROMPT, STARTED
from provision.transport.pipe import Pipe

_START_TIMEOUT = 60.0  # seconds for the login shell, and for sudo to ask, refuse or go on
_POLL = 0.02  # seconds between looks at what sudo says on stderr
_KEPT_NOISE = 2000  # bytes of a greeting, should nothing else come
_LONGEST_QUOTE = 200  # characters of what the host said

# What sudo says, in lower case -> what that means, and what to do. Texts of sudo 1.9, and of the
# shells that do not find it.
_WRONG = "incorrect password"
_EXPIRED = "password change required"  # what sshd says where there is no terminal to ask on
_NO_SUDO = ("there is no sudo on the host", "log in as root, or install sudo")
_REFUSALS = (
    (
        "a password is required",
        "sudo asks for a password, and there is none",
        "give --ask-become-pass, or set ansible_become_password (in a vault)",
    ),
    (_WRONG, "sudo refused the password", "check ansible_become_password; it was tried once"),
    ("not in the sudoers", "the login user may not use sudo", "add the user to the sudo group"),
    ("not allowed to", "the login user may not become {user}", "extend the host's sudoers"),
    ("must have a tty", "sudo wants a terminal", "remove requiretty from the host's sudoers"),
    ("unknown user", "there is no user {user} on the host", "check become_user"),
    ("sudo: not found", *_NO_SUDO),  # sh, bash
    ("sudo: command not found", *_NO_SUDO),  # csh
    ("unknown command: sudo", *_NO_SUDO),  # fish
    ("command not found: sudo", *_NO_SUDO),  # zsh
)


def await_start(pipe: Pipe, host: str, *, become: str | None, password: str | None) -> bytes:
    """Wait until our shell runs on the host, and return what has come of its output since.

    Args:
        pipe: to the command of ``launch.agent_command``.
        host: for messages.
        become: the user that sudo was asked for, or None.
        password: given to sudo once; a second question is a refusal, and nothing is typed again.

    Raises:
        UnreachableError: it does not start.

    """
    marker = STARTED.encode() + b"\n"
    deadline = time.monotonic() + _START_TIMEOUT
    received, given = b"", False
    while marker not in received:
        if time.monotonic() > deadline:
            raise _not_started(pipe, host, become, received, ": no answer in time")
        data = _receive(pipe, _START_TIMEOUT if password is None else _POLL)
        asked = pipe.stderr().count(PROMPT)
        if data == b"" or asked > 1:
            raise _not_started(pipe, host, become, received, "")
        if asked and not given:
            pipe.send(f"{password}\n".encode())
            given = True
        received = received[-_KEPT_NOISE:] + (data or b"")
    return received.partition(marker)[2]


def _receive(pipe: Pipe, timeout: float) -> bytes | None:
    try:
        return pipe.receive(timeout)
    except TimeoutError:
        return None


def _not_started(
    pipe: Pipe, host: str, become: str | None, noise: bytes, problem: str
) -> UnreachableError:
    asked = pipe.stderr().count(PROMPT)
    said = pipe.stderr().replace(PROMPT, "").strip()
    if become is not None:
        reason = _WRONG if asked > 1 else said.lower()
        for text, refusal, hint in _REFUSALS:
            if text in reason:
                quote = f" ({_last_line(said)})" if said else ""
                return UnreachableError(
                    f"host {host}: {refusal.format(user=become)}", hint=f"{hint}{quote}"
                )
    if _EXPIRED in said.lower():
        return UnreachableError(
            f"host {host}: the password of the login user has expired",
            hint="log in once by hand (ssh), and set another one as it asks for",
        )
    quote = _last_line(said) or _last_line(noise.decode("utf-8", "replace"))
    return UnreachableError(
        f"host {host}: the agent could not be started{problem}{f': {quote}' if quote else ''}",
        hint="can the user run commands there? Try: ssh HOST /bin/sh -c true",
    )


def _last_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1][:_LONGEST_QUOTE] if lines else ""
