"""Where and as whom to reach a host: Ansible's connection variables, typed."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Literal

from provision.errors import UsageError

_LOCAL = {"local"}
_SSH = {"ssh", "paramiko", "paramiko_ssh", "smart", "fabric"}


@dataclass(frozen=True, kw_only=True)
class Endpoint:
    """One host's address and login; None leaves a setting to ``ssh_config`` and its defaults.

    Args:
        name: the host's name in the inventory.
        address: host name or address, or an alias of ``ssh_config``.
        password: for the login; keys and the SSH agent are tried as well.
        known_hosts: files of host keys beside the user's own.
        host_key: a pinned key, ``ssh-ed25519 AAAA…``; then no file is asked.
        jump: ``ProxyJump`` hosts, ``user@host:port`` separated by commas.
        become_password: for sudo, where it asks.
        connect_timeout: seconds for TCP, and again for the login.

    """

    name: str
    address: str
    connection: Literal["ssh", "local"] = "ssh"
    port: int | None = None
    user: str | None = None
    password: str | None = field(default=None, repr=False)
    key_file: str | None = None
    known_hosts: tuple[Path, ...] = ()
    host_key: str | None = None
    jump: str | None = None
    become_password: str | None = field(default=None, repr=False)
    connect_timeout: int = 10

    @property
    def where(self) -> str:
        """Return the login as a person would type it."""
        if self.connection == "local":
            return "this machine"
        user = f"{self.user}@" if self.user else ""
        port = f":{self.port}" if self.port else ""
        return f"{user}{self.address}{port}"


def endpoint_of(name: str, variables: Mapping[str, object]) -> Endpoint:
    """Build an endpoint from a host's (templated) variables.

    Raises:
        UsageError: naming the host and the variable that cannot be meant.

    """
    reader = _Reader(name, variables)
    kind = reader.text("ansible_connection") or ("local" if name == "localhost" else "ssh")
    if kind not in _LOCAL | _SSH:
        raise reader.error("ansible_connection", f"{kind!r} is not supported", "use ssh or local")
    pinned = reader.text("provision_host_key")
    known_hosts = reader.text("provision_known_hosts")
    return Endpoint(
        name=name,
        address=reader.text("ansible_host") or name,
        connection="local" if kind in _LOCAL else "ssh",
        port=reader.number("ansible_port"),
        user=reader.text("ansible_user"),
        password=reader.text("ansible_password", "ansible_ssh_pass"),
        key_file=reader.text("ansible_ssh_private_key_file", "ansible_private_key_file"),
        known_hosts=(Path(known_hosts).expanduser(),) if known_hosts else (),
        host_key=pinned,
        jump=reader.jump(),
        become_password=reader.text("ansible_become_password", "ansible_become_pass"),
        connect_timeout=reader.number("ansible_timeout", "ansible_ssh_timeout") or 10,
    )


class _Reader:
    """Typed access to one host's variables."""

    def __init__(self, name: str, variables: Mapping[str, object]) -> None:
        self.name = name
        self.variables = variables

    def error(self, variable: str, problem: str, hint: str | None = None) -> UsageError:
        return UsageError(f"host {self.name}: {variable}: {problem}", hint=hint)

    def text(self, *variables: str) -> str | None:
        for variable in variables:
            value = self.variables.get(variable)
            if value is not None:
                return str(value)
        return None

    def number(self, *variables: str) -> int | None:
        value = self.text(*variables)
        if value is None:
            return None
        try:
            return int(value)
        except ValueError:
            raise self.error(variables[0], f"{value!r} is not a whole number") from None

    def jump(self) -> str | None:
        """Return the jump hosts: our own variable, or what ``ansible_ssh_common_args`` says."""
        own = self.text("provision_jump")
        if own is not None:
            return own
        words = shlex.split(self.text("ansible_ssh_common_args") or "")
        options = dict(pairwise(words))
        if "-J" in options:
            return options["-J"]
        for word in words:
            option = word.removeprefix("-o").strip()
            key, _, value = option.partition("=")
            if key.lower() == "proxyjump":
                return value
        return None
