"""Prints an inventory as ``ansible-inventory`` (ansible-core 2.19) does."""

from __future__ import annotations

import datetime
import json
from collections.abc import Iterator, Mapping
from typing import Any

import yaml

from provision.errors import UsageError, did_you_mean
from provision.inventory.inventory import Inventory
from provision.inventory.model import ALL
from provision.inventory.secrets import VaultedString
from provision.inventory.vault import SealedValue
from provision.source import UnsafeString, plain

# Names that a run sets itself; ansible-inventory leaves them out (INTERNAL_STATIC_VARS).
_INTERNAL = frozenset(
    [
        "ansible_async_path",
        "ansible_collection_name",
        "ansible_config_file",
        "ansible_dependent_role_names",
        "ansible_diff_mode",
        "ansible_facts",
        "ansible_forks",
        "ansible_inventory_sources",
        "ansible_limit",
        "ansible_play_batch",
        "ansible_play_hosts",
        "ansible_play_hosts_all",
        "ansible_play_role_names",
        "ansible_playbook_python",
        "ansible_role_name",
        "ansible_role_names",
        "ansible_run_tags",
        "ansible_skip_tags",
        "ansible_verbosity",
        "ansible_version",
        "inventory_dir",
        "inventory_file",
        "inventory_hostname",
        "inventory_hostname_short",
        "groups",
        "group_names",
        "hostvars",
        "playbook_dir",
        "play_hosts",
        "role_name",
        "role_names",
        "role_path",
        "role_uuid",
    ]
)


def list_json(inventory: Inventory, limit: str | None = None) -> str:
    """Return the whole inventory as JSON: what ``ansible-inventory --list`` prints."""
    hosts = _listed(inventory, limit)
    listing: dict[str, object] = {}
    for name, group in inventory.groups.items():
        entry: dict[str, object] = {}
        direct = [host for host in group.direct_hosts if host in hosts]
        if direct and name != ALL:
            entry["hosts"] = direct
        if group.children:
            entry["children"] = list(group.children)
        if entry:
            listing[name] = entry
    variables = {host: _json_value(_shown(inventory, host), mark_unsafe=True) for host in hosts}
    listing["_meta"] = {
        "hostvars": {host: values for host, values in variables.items() if values},
        "profile": "inventory_legacy",
    }
    return _json(listing)


def list_yaml(inventory: Inventory, limit: str | None = None) -> str:
    """Return the whole inventory as YAML: what ``ansible-inventory --list --yaml`` prints."""
    return _yaml(_YamlListing(inventory, _listed(inventory, limit)).group(ALL))


def host_variables(inventory: Inventory, pattern: str, *, as_yaml: bool = False) -> str:
    """Return the variables of the one host that ``pattern`` names, as JSON or YAML."""
    hosts = inventory.match(pattern)
    if len(hosts) != 1:
        names = ", ".join(host.name for host in hosts)
        raise UsageError(f"--host needs one host, but {pattern!r} names {len(hosts)}: {names}")
    variables = _shown(inventory, hosts[0].name)
    return _yaml(variables) if as_yaml else _json(_json_value(variables, mark_unsafe=False))


def graph(inventory: Inventory, group: str = ALL, *, with_variables: bool = False) -> str:
    """Return the tree of groups and hosts below ``group``.

    Raises:
        UsageError: when there is no such group.

    """
    if group not in inventory.groups:
        raise UsageError(
            f"there is no group {group!r} in the inventory",
            hint=did_you_mean(group, inventory.groups),
        )
    return "\n".join(_graph_lines(inventory, group, 0, with_variables=with_variables))


def _graph_lines(
    inventory: Inventory, name: str, depth: int, *, with_variables: bool
) -> Iterator[str]:
    group = inventory.groups[name]
    yield _branch(f"@{name}:", depth)
    for child in group.children:
        yield from _graph_lines(inventory, child, depth + 1, with_variables=with_variables)
    for host in group.direct_hosts if name != ALL else ():
        yield _branch(host, depth + 1)
        if with_variables:
            yield from _variable_lines(_shown(inventory, host), depth + 2)
    if with_variables:
        yield from _variable_lines(_group_variables(inventory, name), depth + 1)


def _variable_lines(variables: Mapping[str, object], depth: int) -> Iterator[str]:
    for name, value in sorted(variables.items()):
        yield _branch(f"{{{name} = {value}}}", depth)


def _branch(text: str, depth: int) -> str:
    return "  |" * depth + "--" + text if depth else text


def _group_variables(inventory: Inventory, name: str) -> dict[str, object]:
    variables = inventory.group_variables(name)
    if inventory.groups[name].priority != 1:
        variables["ansible_group_priority"] = inventory.groups[name].priority
    return {key: value for key, value in variables.items() if key not in _INTERNAL}


def _listed(inventory: Inventory, limit: str | None) -> list[str]:
    if limit is None:
        return list(inventory.groups[ALL].hosts)
    return [host.name for host in inventory.match(ALL, limit)]


def _shown(inventory: Inventory, host: str) -> dict[str, object]:
    variables = inventory.variables(host)
    return {name: value for name, value in variables.items() if name not in _INTERNAL}


class _YamlListing:
    """Nests groups; a group or a host that was shown once is shown empty from then on."""

    def __init__(self, inventory: Inventory, hosts: list[str]) -> None:
        self._inventory = inventory
        self._available = set(hosts)
        self._groups: set[str] = set()
        self._hosts: set[str] = set()

    def group(self, name: str) -> dict[str, object]:
        group = self._inventory.groups[name]
        children: dict[str, object] = {}
        for child in group.children:
            children.update({child: {}} if child in self._groups else self.group(child))
            self._groups.add(child)
        hosts: dict[str, object] = {}
        if name != ALL:
            hosts = {h: self._host(h) for h in group.direct_hosts if h in self._available}
        sections = {"children": children, "hosts": hosts}
        body = {section: content for section, content in sections.items() if content}
        return {name: body} if body else {}

    def _host(self, name: str) -> dict[str, object]:
        if name in self._hosts:
            return {}
        self._hosts.add(name)
        return _shown(self._inventory, name)


def _json(value: object) -> str:
    return json.dumps(value, sort_keys=True, indent=4, ensure_ascii=False)


def _json_value(value: object, *, mark_unsafe: bool) -> Any:
    """Return ``value`` as JSON can hold it; what was encrypted stays so."""
    if isinstance(value, dict):
        return {k: _json_value(item, mark_unsafe=mark_unsafe) for k, item in value.items()}
    if isinstance(value, list):
        return [_json_value(item, mark_unsafe=mark_unsafe) for item in value]
    if isinstance(value, VaultedString | SealedValue):
        return {"__ansible_vault": value.ciphertext}
    if isinstance(value, UnsafeString) and mark_unsafe:
        return {"__ansible_unsafe": str(value)}
    if isinstance(value, datetime.date | datetime.time):
        return value.isoformat()
    return value


_SafeDumper: type[Any] = getattr(yaml, "CSafeDumper", yaml.SafeDumper)


class _Dumper(_SafeDumper):  # type: ignore[misc]
    """Writes encrypted values as the ``!vault`` texts that they were read from."""

    def ignore_aliases(self, data: object) -> bool:
        return True

    def vault_text(self, value: VaultedString | SealedValue) -> Any:
        return self.represent_scalar("!vault", value.ciphertext, style="|")


_Dumper.add_representer(VaultedString, _Dumper.vault_text)
_Dumper.add_representer(SealedValue, _Dumper.vault_text)


def _yaml(value: object) -> str:
    text: str = yaml.dump(_dumpable(value), Dumper=_Dumper, allow_unicode=True)
    return text.rstrip("\n")


def _dumpable(value: object) -> object:
    if isinstance(value, dict):
        return {plain(key): _dumpable(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_dumpable(item) for item in value]
    return value if isinstance(value, VaultedString) else plain(value)
