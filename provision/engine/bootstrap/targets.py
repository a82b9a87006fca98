"""What ``provision bootstrap`` is pointed at: ``[NAME=][user@]host[:port]``."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from provision.errors import UsageError, did_you_mean
from provision.inventory.addresses import is_ip_address
from provision.inventory.model import LOCALHOST
from provision.stack.roles import EVERY_HOST, ROLES

_TARGET = re.compile(
    r"(?:(?P<name>[^=@/\s]+)=)?(?:ssh://)?(?:(?P<user>[^@\s:/]+)@)?"
    r"(?:\[(?P<v6>[^]\s]+)\]|(?P<host>[^@\s\[\]]+?))(?::(?P<port>\d{1,5}))?/?"
)
_NAME = re.compile(r"[\w][\w.:%-]*")
_USER = re.compile(r"[a-z_][a-z0-9_.-]{0,31}")  # as useradd(8) has it; dots are common, too
_MAX_PORT = 65535


@dataclass(frozen=True)
class Target:
    """One host to be, and how it is reached the first time.

    Args:
        name: what the inventory will call it.
        address: a name or address, or an alias of ``ssh_config``.
        user: who logs in first; None leaves it to ``ssh_config``, and to who you are.
        port: None likewise.

    """

    name: str
    address: str
    user: str | None = None
    port: int | None = None

    @property
    def is_local(self) -> bool:
        """Whether it is this machine, reached without SSH."""
        return self.address in LOCALHOST and self.user is None and self.port is None

    @property
    def is_ip_address(self) -> bool:
        """Whether it is given by its address."""
        return is_ip_address(self.address)


def parse_targets(texts: Sequence[str]) -> list[Target]:
    """Return the targets.

    Raises:
        UsageError: one is none, or two of them are one host.

    """
    targets = [parse_target(text) for text in texts]
    for number, target in enumerate(targets):
        for other in targets[:number]:
            if target.name == other.name:
                raise UsageError(
                    f"{target.name} is given twice", hint="one target a host; NAME=… names it"
                )
            if (target.address, target.port) == (other.address, other.port):
                raise UsageError(f"{other.name} and {target.name} are the same host")
    return targets


def parse_target(text: str) -> Target:
    """Return one target, see ``parse_targets``."""
    match = _TARGET.fullmatch(text)
    if match is None:
        raise _no_target(text)
    address, port = match["v6"] or match["host"], match["port"]
    if match["host"] and is_ip_address(f"{address}:{port}"):
        address, port = f"{address}:{port}", None  # an IPv6 address without brackets
    if not _is_address(address) or (port is not None and not 0 < int(port) <= _MAX_PORT):
        raise _no_target(text)
    name = match["name"] or address
    return Target(name, address, match["user"], int(port) if port is not None else None)


def check_request(
    targets: Sequence[Target], *, roles: Sequence[str], user: str, close: bool
) -> None:
    """Refuse what cannot be meant, before any host is touched.

    Raises:
        UsageError: saying what.

    """
    known = [role for role in ROLES if role != EVERY_HOST]
    for role in roles:
        if role not in known:
            raise UsageError(f"there is no role {role!r}", hint=did_you_mean(role, known))
    if not _USER.fullmatch(user):
        raise UsageError(f"{user!r} cannot be the name of an account", hint="such as deploy")
    local = [target.name for target in targets if target.is_local]
    if local and close:
        raise UsageError(
            f"nobody logs in to {local[0]} by SSH here, so no new login could be tried",
            hint="name this machine by the way others reach it: user@its-address",
        )
    if local and not roles:
        raise UsageError(
            f"there is nothing to do on {local[0]}: it needs no login", hint="give it a --role"
        )


def _is_address(text: str) -> bool:
    return is_ip_address(text) or (_NAME.fullmatch(text) is not None and ":" not in text)


def _no_target(text: str) -> UsageError:
    return UsageError(
        f"{text!r} is no host to log in to",
        hint="write user@host, user@host:port, user@[2001:db8::7]:port, a name of ssh_config, or"
        " localhost; NAME=user@host gives it a name",
    )
