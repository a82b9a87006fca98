"""The way to a host: every SSH server on it, with all that inventory and ``ssh_config`` say."""

from __future__ import annotations

import getpass
import re
import shlex
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from provision.errors import UsageError
from provision.transport.endpoint import Endpoint
from provision.transport.ssh_config import look_up

if TYPE_CHECKING:
    from paramiko.config import SSHConfigDict

DEFAULT_CONNECT_TIMEOUT = 10  # seconds
_SSH_PORT = 22
_LONGEST = 8  # jump hosts; more can only be a circle
_USER_FILES = "~/.ssh/known_hosts ~/.ssh/known_hosts2"  # the default of UserKnownHostsFile


@dataclass(frozen=True, kw_only=True)
class Hop:
    """One SSH server on the way, the last one being the host itself.

    Args:
        label: the login as a person would type it.
        key_name: what ``known_hosts`` calls it.
        known_hosts: the files to ask; new keys are written to the first one.
        proxy_command: what leads to it, where it is not reached by TCP or through another hop.
        connect_timeout: seconds.

    """

    label: str
    host: str
    port: int
    user: str
    key_name: str
    key_files: tuple[Path, ...] = ()
    identities_only: bool = False
    password: str | None = field(default=None, repr=False)
    known_hosts: tuple[Path, ...] = ()
    host_key: str | None = None
    accept_new: bool = False
    checking_off: bool = False  # what ssh_config asks for, and does not get
    proxy_command: str | None = None
    connect_timeout: int = DEFAULT_CONNECT_TIMEOUT


def route_to(endpoint: Endpoint, *, accept_new: bool = False) -> tuple[Hop, ...]:
    """Return the hops to a host in the order in which they are connected to.

    Args:
        endpoint: what the inventory says; it wins over ``ssh_config``.
        accept_new: ``--accept-new-host-keys``: for the host and for those on the way.

    Raises:
        UsageError: a jump host that cannot be meant, or a circle of them.

    """
    return _route(endpoint, accept_new or endpoint.accept_new, depth=0)


def _route(endpoint: Endpoint, accept_new: bool, depth: int) -> tuple[Hop, ...]:
    config = look_up(endpoint.address, user=endpoint.user, port=endpoint.port)
    target = _hop(endpoint, config, accept_new=accept_new)
    jump, command = endpoint.jump, endpoint.proxy_command
    if jump is None and command is None:
        jump, command = config.get("proxyjump"), config.get("proxycommand")
    if _is_given(jump):
        if depth == _LONGEST:
            raise UsageError(
                f"host {endpoint.name}: its jump hosts lead in a circle, or there are too many",
                hint="exclude the jump host from its own rule in ssh_config: Host * !jump",
            )
        return (*_jump_route(endpoint, str(jump), accept_new, depth + 1), target)
    if jump is None and _is_given(command):
        target = replace(target, proxy_command=_filled(str(command), target))
    return (target,)


def _is_given(value: str | None) -> bool:
    return bool(value) and str(value).lower() != "none"


def _hop(endpoint: Endpoint, config: SSHConfigDict, *, accept_new: bool) -> Hop:
    """Return the server that an endpoint and its section of ``ssh_config`` lead to."""
    host, port = str(config["hostname"]), _number(endpoint, config, "port", _SSH_PORT)
    alias = endpoint.host_key_alias or config.get("hostkeyalias")
    checking = str(config.get("stricthostkeychecking", "yes")).lower()
    named = shlex.split(str(config.get("userknownhostsfile", _USER_FILES)))
    return Hop(
        label=endpoint.where,
        password=endpoint.password,
        host_key=endpoint.host_key,
        host=host,
        port=port,
        user=str(config.get("user") or getpass.getuser()),
        key_name=alias or (host if port == _SSH_PORT else f"[{host}]:{port}"),
        key_files=endpoint.key_files + _paths(list(config.get("identityfile", []))),
        identities_only=_only(endpoint, config),
        known_hosts=endpoint.known_hosts + _paths(named),
        accept_new=accept_new or checking == "accept-new",
        checking_off=checking in {"no", "off"},
        connect_timeout=endpoint.connect_timeout
        or _number(endpoint, config, "connecttimeout", DEFAULT_CONNECT_TIMEOUT),
    )


def _number(endpoint: Endpoint, config: SSHConfigDict, keyword: str, default: int) -> int:
    value = str(config.get(keyword, default))
    if not value.isdecimal():
        raise UsageError(f"host {endpoint.name}: ssh_config: {keyword} {value} is not a number")
    return int(value)


def _only(endpoint: Endpoint, config: SSHConfigDict) -> bool:
    if endpoint.identities_only is not None:
        return endpoint.identities_only
    return str(config.get("identitiesonly", "no")).lower() == "yes"


def _paths(names: list[str]) -> tuple[Path, ...]:
    return tuple(Path(name).expanduser() for name in names if name != "none")


def _jump_route(endpoint: Endpoint, jump: str, accept_new: bool, depth: int) -> tuple[Hop, ...]:
    """Return the hops of a ``ProxyJump`` value; the first of them may have jump hosts of its own.

    Jump hosts are tried with the host's keys, never with its password or its pinned key.
    """
    route: tuple[Hop, ...] = ()
    for text in jump.split(","):
        hop = replace(
            _parse_jump(endpoint.name, text.strip()),
            key_files=endpoint.key_files,
            identities_only=endpoint.identities_only,
            known_hosts=endpoint.known_hosts,
            connect_timeout=endpoint.connect_timeout,
            jump="none" if route else None,
        )
        route += _route(hop, accept_new, depth)
    return route


def _parse_jump(name: str, text: str) -> Endpoint:
    """Return ``[ssh://][user@]host[:port]`` as an endpoint."""
    pattern = r"(?:ssh://)?(?:(?P<user>[^@\s]+)@)?(?P<host>\[[^]]+\]|[^:@\s]+)(?::(?P<port>\d+))?/?"
    match = re.fullmatch(pattern, text)
    if match is None:
        raise UsageError(
            f"host {name}: {text!r} is not a jump host",
            hint="write user@host:port; several of them separated by commas",
        )
    return Endpoint(
        name=name,
        address=match["host"].strip("[]"),
        user=match["user"],
        port=int(match["port"]) if match["port"] else None,
    )


def _filled(command: str, hop: Hop) -> str:
    """Replace the tokens of a proxy command; those of ``ssh_config`` have been replaced before."""
    tokens = {"%%": "%", "%h": hop.host, "%p": str(hop.port), "%r": hop.user, "%n": hop.host}
    return re.sub("%[%hprn]", lambda match: tokens[match[0]], command)
