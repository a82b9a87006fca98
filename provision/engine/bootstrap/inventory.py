"""The inventory that bootstrapped hosts are in: during the run, and in the file afterwards."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from provision.engine.bootstrap.targets import Target
from provision.errors import Location, UsageError
from provision.inventory.graph import Graph, HostNode
from provision.inventory.insertion import Entry, add_hosts
from provision.inventory.inventory import Inventory
from provision.inventory.model import UNGROUPED
from provision.inventory.sources import read_source, require_readable
from provision.inventory.vault import Vault
from provision.source import location_of, read_text

_ENCRYPTED = "$ANSIBLE_VAULT"
_SSH_PORT = 22
_EMPTY = "# Hosts, groups and variables; see `provision inventory --help`.\n"


@dataclass(frozen=True, kw_only=True)
class Newcomers:
    """Hosts about to be part of an inventory.

    Args:
        targets: the hosts by name.
        roles: the groups that they will be in.
        user: who deploys will log in as.
        key_files: the private key that has to be named for it, by host.
        file: the inventory that they are to be written to, which may not exist yet.
        vault_password: what opens encrypted values in it.

    """

    targets: Mapping[str, Target]
    roles: tuple[str, ...]
    user: str
    key_files: Mapping[str, Path]
    file: Path | None
    vault_password: str | None = field(default=None, repr=False)

    def _refuse_plugin(self) -> None:
        if self.file is not None and self.file.exists():
            require_readable(self.file)
            data = Vault(self.vault_password).load_yaml(self.file)
            if isinstance(data, dict) and "plugin" in data:
                raise UsageError(
                    f"its hosts come from {data['plugin']}, none can be added",
                    where=Location(str(self.file)),
                    hint="write to another file, and give both with --inventory",
                )

    def inventory(self, extra_vars: Mapping[str, object]) -> Inventory:
        """Return the inventory of ``file`` with the hosts in it, as deploys will see them.

        Raises:
            UsageError: the file cannot be read or added to, or says otherwise of one of the hosts.

        """
        self._refuse_plugin()
        known = self.known()
        for target in self.targets.values():
            _refuse_second_name(target, known)
        entries = [self.entry(name, known) for name in self.targets]
        if self.file is not None:
            edited(self.file, entries)  # to refuse now what could not be written in the end
        variables = {entry.name: entry.variables for entry in entries}
        return self._load(variables, extra_vars)

    def known(self) -> Inventory:
        """Return the inventory as it is, the hosts being in their groups without variables."""
        return self._load({}, {})

    def entry(self, name: str, known: Inventory) -> Entry:
        """Return what a file has to say of a host that the inventory does not say yet.

        Raises:
            UsageError: it says something else of that very host.

        """
        there = known.variables(name)
        login = {key: it for key, it in self._login(name).items() if there.get(key) != it}
        if login and self.file is not None and self._is_written(name):
            key, value = next(iter(login.items()))
            raise UsageError(
                f"{name} is in the inventory already, but {key} is {there.get(key, 'not set')!s}",
                where=location_of(there, key) or location_of(there.get(key)),
                hint=f"set `{key}: {value}` for it, or bootstrap under another name: NAME=TARGET",
            )
        return Entry(name, self.roles, login)

    def _is_written(self, name: str) -> bool:
        graph = Graph()
        if self.file is not None and self.file.exists():
            read_source(str(self.file), graph, Vault(self.vault_password))
        return name in graph.hosts

    def _login(self, name: str) -> dict[str, object]:
        target = self.targets[name]
        if target.is_local:
            return {} if name == target.address else {"ansible_connection": "local"}
        variables: dict[str, object] = {}
        if name != target.address:
            variables["ansible_host"] = target.address
        if target.port is not None:
            variables["ansible_port"] = target.port
        variables["ansible_user"] = self.user
        if name in self.key_files:
            variables["ansible_ssh_private_key_file"] = _portable(self.key_files[name])
        return variables

    def _load(
        self,
        variables: Mapping[str, Mapping[str, object]],
        extra_vars: Mapping[str, object],
    ) -> Inventory:
        graph, vault = Graph(), Vault(self.vault_password)
        directory = self.file.parent if self.file is not None else None
        if self.file is not None and self.file.exists():
            read_source(str(self.file), graph, vault)
        for name in self.targets:
            for group in self.roles or (UNGROUPED,):
                graph.add_group(group)
                node = graph.add_host(group, HostNode(name, directory=str(Path.cwd())))
                node.variables.update(variables.get(name, {}))
        directories = (directory,) if directory is not None and directory.is_dir() else ()
        return Inventory(graph, directories=directories, extra_vars=extra_vars, vault=vault)


def _refuse_second_name(target: Target, known: Inventory) -> None:
    """Refuse a host that the inventory knows by another name: it would be worked on twice at once.

    Raises:
        UsageError: saying which.

    """
    for name in known.hosts:
        said = known.variables(name)
        place = (said.get("ansible_host", name), str(said.get("ansible_port", _SSH_PORT)))
        if name != target.name and place == (target.address, str(target.port or _SSH_PORT)):
            raise UsageError(
                f"{target.address} is in the inventory already, as {name}",
                where=location_of(said, "ansible_host") or location_of(said.get("ansible_host")),
                hint=f"bootstrap it by that name: {name}=…",
            )


def _portable(path: Path) -> str:
    """Return a path below the home directory so that it means the same to other people."""
    home, path = Path("~").expanduser(), path.absolute()
    return f"~/{path.relative_to(home)}" if path.is_relative_to(home) else str(path)


def with_findings(
    entry: Entry,
    target: Target,
    facts: Mapping[str, Any] | None,
    known: Mapping[str, object],
) -> Entry:
    """Add what the host has said of itself, where the inventory does not say it already.

    Args:
        entry: of the host.
        target: how it was reached.
        facts: the host's, where they were asked for.
        known: its variables in the inventory.

    """
    if facts is None:
        return entry
    found: dict[str, object] = {}
    address = facts["ansible_default_ipv4"].get("address")
    own = {*facts["ansible_all_ipv4_addresses"], *facts["ansible_all_ipv6_addresses"]}
    if entry.groups and address and "private_address" not in known and target.address not in own:
        found["private_address"] = address
    devices = facts["provision_nvidia"]["devices"]
    gpus = sum(device["class"].startswith("0x03") for device in devices)
    if entry.groups and gpus and "gpu_count" not in known:
        found["gpu_count"] = gpus
    return replace(entry, variables={**entry.variables, **found})


def edited(file: Path, entries: Sequence[Entry]) -> str | None:
    """Return the text of an inventory file with the hosts added; None where they are in it.

    Raises:
        UsageError: the file cannot be read or edited.

    """
    text = read_text(file) if file.exists() else _EMPTY
    if text.startswith(_ENCRYPTED):
        raise UsageError(
            "this inventory is encrypted as a whole, and cannot be added to",
            where=Location(str(file)),
            hint="encrypt values or files of variables instead; see docs/inventory.md",
        )
    new = add_hosts(text, entries, str(file))
    return None if new == text and file.exists() else new


def write(file: Path, text: str) -> None:
    """Replace an inventory file at once: at any moment it is the old one or the new one.

    Raises:
        UsageError: it cannot be written.

    """
    target = file.resolve()
    temporary = target.with_name(f".{target.name}.new")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with temporary.open("w", encoding="utf-8", newline="") as stream:
            stream.write(text)
            stream.flush()
            os.fsync(stream.fileno())
        if target.exists():
            temporary.chmod(target.stat().st_mode & 0o7777)
        temporary.replace(target)
    except OSError as error:
        raise UsageError(f"{file} cannot be written: {error.strerror}") from None
