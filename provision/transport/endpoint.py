"""Where and as whom to reach a host: Ansible's connection variables, typed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from provision.errors import UsageError
from provision.transport.ssh_arguments import ArgumentProblem, Options, parse_ssh_arguments

_SSH = {"ssh", "paramiko", "paramiko_ssh", "smart", "fabric"}
_ARGUMENTS = ("ansible_ssh_args", "ansible_ssh_common_args", "ansible_ssh_extra_args")
_CHECKING = ("ansible_host_key_checking", "ansible_ssh_host_key_checking")
_STRICT = {"yes", "ask", "true", "on", "1"}
_TRUE = {"yes", "true", "on", "1"}
_REFUSED_HINT = (
    "host keys are always checked. Remove it, and run once with --accept-new-host-keys (or give"
    " StrictHostKeyChecking=accept-new): new keys are then remembered, changed ones refused"
)


@dataclass(frozen=True, kw_only=True)
class Endpoint:
    """One host's address and login; None leaves a setting to ``ssh_config`` and its defaults.

    Args:
        name: the host's name in the inventory.
        address: host name or address, or an alias of ``ssh_config``.
        password: for the login, after keys and the SSH agent.
        key_files: private keys to try, before those of ``ssh_config``.
        identities_only: whether only these keys are tried, and none of the SSH agent's others.
        known_hosts: files of host keys beside the user's own.
        host_key: a pinned key, ``ssh-ed25519 AAAA…``; then no file is asked.
        host_key_alias: the name that the host has in ``known_hosts``.
        accept_new: whether a host's first key is believed and remembered.
        jump: ``ProxyJump`` hosts, ``user@host:port`` separated by commas; "none" for none.
        proxy_command: a command whose input and output lead to the host.
        become_password: for sudo, where it asks.
        connect_timeout: seconds for TCP, and again for the login.

    """

    name: str
    address: str
    connection: Literal["ssh", "local"] = "ssh"
    port: int | None = None
    user: str | None = None
    password: str | None = field(default=None, repr=False)
    key_files: tuple[Path, ...] = ()
    identities_only: bool | None = None
    known_hosts: tuple[Path, ...] = ()
    host_key: str | None = None
    host_key_alias: str | None = None
    accept_new: bool = False
    jump: str | None = None
    proxy_command: str | None = None
    become_password: str | None = field(default=None, repr=False)
    connect_timeout: int | None = None

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

    Of two names for one setting the later one wins, as in Ansible's ``ssh`` connection plugin; a
    variable wins over the same setting in ``ansible_ssh_common_args``.

    Raises:
        UsageError: naming the host and the variable that cannot be meant.

    """
    reader = _Reader(name, variables)
    reader.refuse_other_than_sudo()
    options = reader.ssh_options()
    return Endpoint(
        name=name,
        address=reader.text("ansible_host", "ansible_ssh_host") or name,
        connection=reader.connection(),
        port=reader.number("ansible_port", "ansible_ssh_port", option="port"),
        user=reader.text("ansible_user", "ansible_ssh_user", option="user"),
        password=reader.text("ansible_password", "ansible_ssh_pass", "ansible_ssh_password"),
        key_files=reader.key_files(),
        identities_only=_truth(options.get("identitiesonly")),
        known_hosts=reader.known_hosts(),
        host_key=reader.text("provision_host_key"),
        host_key_alias=reader.text("provision_host_key_alias", option="hostkeyalias"),
        accept_new=reader.accepts_new(),
        jump=reader.text("provision_jump", option="proxyjump"),
        proxy_command=reader.text("provision_proxy_command", option="proxycommand"),
        become_password=reader.text("ansible_become_pass", "ansible_become_password"),
        connect_timeout=reader.number(
            "ansible_timeout", "ansible_ssh_timeout", option="connecttimeout"
        ),
    )


class _Reader:
    """Typed access to one host's variables, and to the options among them."""

    def __init__(self, name: str, variables: Mapping[str, object]) -> None:
        self.name = name
        self.variables = variables
        self._options = self.ssh_options()

    def error(self, variable: str, problem: str, hint: str | None = None) -> UsageError:
        return UsageError(f"host {self.name}: {variable}: {problem}", hint=hint)

    def ssh_options(self) -> Options:
        """Return the options of all three variables for them; the first one given counts."""
        options: Options = {}
        for variable in _ARGUMENTS:
            try:
                parsed = parse_ssh_arguments(str(self.variables.get(variable) or ""))
            except ArgumentProblem as problem:
                raise self.error(variable, str(problem), problem.hint) from None
            for keyword, values in parsed.items():
                options.setdefault(keyword, []).extend(values)
        return options

    def text(self, *variables: str, option: str | None = None) -> str | None:
        """Return the last variable that is set, else the option."""
        for variable in reversed(variables):
            value = self.variables.get(variable)
            if value is not None:
                return str(value)
        return self._options.get(option, [None])[0] if option else None

    def number(self, *variables: str, option: str) -> int | None:
        value = self.text(*variables, option=option)
        if value is None:
            return None
        if not value.isdecimal() or int(value) == 0:
            given = [name for name in variables if self.variables.get(name) is not None]
            name = given[-1] if given else option
            raise self.error(name, f"{value!r} is not a whole number above 0")
        return int(value)

    def connection(self) -> Literal["ssh", "local"]:
        kind = self.text("ansible_connection") or ("local" if self.name == "localhost" else "ssh")
        kind = kind.removeprefix("ansible.builtin.")
        if kind == "local":
            return "local"
        if kind not in _SSH:
            raise self.error("ansible_connection", f"{kind!r} is not supported", "use ssh or local")
        return "ssh"

    def refuse_other_than_sudo(self) -> None:
        method = self.text("ansible_become_method") or "sudo"
        if method.removeprefix("ansible.builtin.") != "sudo":
            raise self.error("ansible_become_method", f"{method!r} is not supported", "use sudo")

    def key_files(self) -> tuple[Path, ...]:
        named = self.text("ansible_private_key_file", "ansible_ssh_private_key_file")
        files = ([named] if named else []) + self._options.get("identityfile", [])
        return tuple(Path(file).expanduser() for file in files)

    def known_hosts(self) -> tuple[Path, ...]:
        named = self.text("provision_known_hosts")
        files = [named] if named else self._options.get("userknownhostsfile", [""])[0].split()
        if "/dev/null" in files:
            raise self.error("UserKnownHostsFile", "/dev/null forgets every key", _REFUSED_HINT)
        return tuple(Path(file).expanduser() for file in files)

    def accepts_new(self) -> bool:
        """Tell whether new keys are accepted; not to check keys at all is refused."""
        for variable in _CHECKING:
            value = self.text(variable)
            if value is not None and value.lower() not in _STRICT:
                raise self.error(variable, f"{value!r} cannot be obeyed", _REFUSED_HINT)
        checking = self.text(option="stricthostkeychecking") or "yes"
        if checking.lower() not in _STRICT | {"accept-new"}:
            raise self.error(
                "StrictHostKeyChecking", f"{checking!r} cannot be obeyed", _REFUSED_HINT
            )
        return checking.lower() == "accept-new"


def _truth(values: list[str] | None) -> bool | None:
    return None if values is None else values[0].lower() in _TRUE
