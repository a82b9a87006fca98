"""The inventory: which hosts there are, in which groups, with which variables."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from provision.errors import UsageError, did_you_mean
from provision.inventory.addresses import is_ip_address
from provision.inventory.graph import Graph, HostNode
from provision.inventory.model import ALL, LOCALHOST, Group, InventoryHost
from provision.inventory.patterns import NoHostsError, Selection
from provision.inventory.sources import read_source
from provision.inventory.variables import VariableFiles
from provision.inventory.vault import Vault


class Inventory:
    """Hosts, groups and their variables, read and merged as Ansible does.

    Attributes:
        hosts: every host by name, in the order in which the sources name them.
        groups: every group by name, ``all`` and ``ungrouped`` first.
        absent: hosts that a source has left out, with the reason.

    """

    hosts: Mapping[str, InventoryHost]
    groups: Mapping[str, Group]
    absent: Mapping[str, str]

    def __init__(
        self,
        graph: Graph,
        *,
        directories: tuple[Path, ...] = (),
        extra_vars: Mapping[str, object] | None = None,
        vault: Vault | None = None,
    ) -> None:
        self.groups = graph.finish()
        self.absent = {host: why for host, why in graph.absent.items() if host not in graph.hosts}
        self._graph = graph
        self._vault = vault or Vault()
        self._extra_vars = dict(extra_vars or {})
        self._files = VariableFiles(directories, self._vault)
        self._playbook_files = VariableFiles((), self._vault)
        self._merge_order = sorted(self.groups.values(), key=_merge_key)
        self.hosts = self._build_hosts()
        self._groups_dict = {name: list(group.hosts) for name, group in self.groups.items()}
        self._cache: dict[str, dict[str, object]] = {}

    @classmethod
    def load(
        cls,
        sources: Sequence[Path | str],
        *,
        extra_vars: Mapping[str, object] | None = None,
        vault_password: str | None = None,
        fresh: bool = False,
    ) -> Inventory:
        """Read inventory sources, in order; what a later one says wins.

        Args:
            sources: YAML files, directories of them, or lists of hosts such as ``"web1,web2"``.
            extra_vars: what ``-e`` gave (see ``parse_extra_vars``); wins over everything.
            vault_password: what decrypts ``!vault`` values (see ``read_vault_password``).
            fresh: ask clouds even where their last answer was kept and is recent enough.

        Raises:
            UsageError: with file and line where the fault is in a file.

        """
        if not sources:
            raise UsageError("no inventory was given", hint="use --inventory FILE")
        graph, vault = Graph(), Vault(vault_password)
        directories = [read_source(str(source), graph, vault, fresh=fresh) for source in sources]
        return cls(
            graph,
            directories=tuple(path for path in directories if path is not None),
            extra_vars=extra_vars,
            vault=vault,
        )

    def with_playbook(self, directory: Path) -> Inventory:
        """Return this inventory as a playbook in ``directory`` sees it.

        ``group_vars/`` and ``host_vars/`` beside the playbook win over those beside the inventory.
        """
        seen = Inventory(
            self._graph,
            directories=self._files.directories,
            extra_vars=self._extra_vars,
            vault=self._vault,
        )
        seen._files = self._files  # what is read already need not be read again
        seen._playbook_files = VariableFiles((directory,), self._vault)
        return seen

    def match(self, pattern: str, limit: str | None = None) -> list[InventoryHost]:
        """Return the hosts that ``pattern`` names and ``limit`` lets through, in Ansible's order.

        Args:
            pattern: such as ``trainer:&eu:!gpu-03``, ``gpu-*``, ``~gpu-\\d+``, ``all[0:2]``.
            limit: a second pattern; ``@file`` in it names a file with a pattern on each line.

        Raises:
            UsageError: when a host or group does not exist.
            NoHostsError: when all names exist, but no host is left.

        """
        try:
            return Selection(self).match(pattern, limit)
        except NoHostsError as error:
            raise NoHostsError(error.message, hint=error.hint or self.why_empty()) from None

    def host(self, name: str) -> InventoryHost:
        """Return the host called ``name``; ``localhost`` exists even where no source names it.

        Raises:
            UsageError: when there is no such host.

        """
        if name in self.hosts:
            return self.hosts[name]
        if name in LOCALHOST:
            return InventoryHost(name, groups=())
        raise UsageError(
            f"there is no host {name!r} in the inventory", hint=did_you_mean(name, self.hosts)
        )

    def variables(self, host: str) -> dict[str, object]:
        """Return the merged variables of a host, untemplated and without the magic ones."""
        if host not in self._cache:
            self._cache[host] = self._merge(self.host(host))
        return dict(self._cache[host])

    def context(self, host: str) -> dict[str, object]:
        """Return what templates may name: the variables of a host and Ansible's magic ones.

        Magic are ``inventory_hostname``, ``inventory_hostname_short``, ``inventory_dir``,
        ``inventory_file``, ``group_names``, ``groups`` and ``hostvars``.
        """
        return {**self._with_names(host), "hostvars": HostVars(self)}

    def _with_names(self, name: str) -> dict[str, object]:
        host = self.host(name)
        node = self._graph.hosts.get(name) or HostNode(name)
        short = name if is_ip_address(name) else name.split(".", maxsplit=1)[0]
        return {
            **self.variables(name),
            "inventory_hostname": name,
            "inventory_hostname_short": short,
            "inventory_dir": node.directory,
            "inventory_file": node.source,
            "group_names": sorted(group for group in host.groups if group != ALL),
            "groups": self._groups_dict,
        }

    def group_variables(self, name: str) -> dict[str, object]:
        """Return the variables of one group alone: of the sources, then of ``group_vars/``."""
        group = self.groups[name]
        merged = {**group.variables, **self._files.of_groups((name,))}
        return {**merged, **self._playbook_files.of_groups((name,))}

    def warnings(self) -> list[str]:
        """Return what is no error but good to know: hosts left out, files that set nothing."""
        return [
            *self._graph.notices,
            *self._files.idle(self.groups, self.hosts),
            *self._playbook_files.idle(self.groups, self.hosts),
        ]

    def why_empty(self) -> str | None:
        """Return what the sources have said, where they have given no host at all."""
        return "; ".join(self._graph.notices) or None if not self.hosts else None

    def absence(self, host: str) -> str | None:
        """Ask the source of a host that does not answer what has become of it, if it can tell."""
        node = self._graph.hosts.get(host)
        return node.absence() if node is not None and node.absence is not None else None

    def _merge(self, host: InventoryHost) -> dict[str, object]:
        """Merge in the order of Ansible's VARIABLE_PRECEDENCE, then the host's own, then -e."""
        nearer = tuple(name for name in host.groups if name != ALL)
        merged = dict(self.groups[ALL].variables)
        for name in nearer:
            merged.update(self.groups[name].variables)
        for groups in ((ALL,), nearer):
            merged.update(self._files.of_groups(groups))
            merged.update(self._playbook_files.of_groups(groups))
        merged.update(self._own_variables(host))
        merged.update(self._files.of_host(host.name))
        merged.update(self._playbook_files.of_host(host.name))
        merged.update(self._extra_vars)
        return merged

    def _own_variables(self, host: InventoryHost) -> Mapping[str, object]:
        if host.name in self._graph.hosts:
            return self._graph.hosts[host.name].variables
        return {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}

    def _build_hosts(self) -> dict[str, InventoryHost]:
        groups: dict[str, list[str]] = {name: [] for name in self._graph.hosts}
        for group in self._merge_order:
            for host in group.hosts:
                groups[host].append(group.name)
        return {name: InventoryHost(name, tuple(names)) for name, names in groups.items()}


def _merge_key(group: Group) -> tuple[bool, int, int, str]:
    return (group.name != ALL, group.depth, group.priority, group.name)


class HostVars(Mapping[str, Mapping[str, object]]):
    """The ``hostvars`` of templates: the variables of each host, merged when first asked for."""

    def __init__(self, inventory: Inventory) -> None:
        self._inventory = inventory

    def __getitem__(self, host: str) -> Mapping[str, object]:
        if host not in self._inventory.hosts and host not in LOCALHOST:
            raise KeyError(host)
        return self._inventory._with_names(host)

    def __iter__(self) -> Iterator[str]:
        return iter(self._inventory.hosts)

    def __len__(self) -> int:
        return len(self._inventory.hosts)
