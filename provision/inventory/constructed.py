"""``compose``, ``groups`` and ``keyed_groups``: variables and groups made of a host's variables.

The rules are those of ``Constructable`` in ansible-core 2.19. What only this or that host lacks is
passed over unless ``strict`` is set; an expression that is wrong in itself is always an error.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from provision.errors import Location, UsageError
from provision.inventory.addresses import is_ip_address
from provision.inventory.foreign import as_data
from provision.inventory.graph import Graph, HostNode
from provision.inventory.keyed import KeyedGroup
from provision.inventory.model import ALL
from provision.inventory.options import Options
from provision.inventory.variables import check_names
from provision.templating import Templater

KEYS = frozenset({"compose", "groups", "keyed_groups", "leading_separator", "strict"})


@dataclass(frozen=True)
class Expression:
    """A Jinja2 expression, written without braces, and where it stands."""

    source: str
    where: Location


class Constructed:
    """What a plugin's file says of variables and groups.

    Args:
        options: of the file.
        sanitize: turns any text into the name of a group.

    Raises:
        UsageError: one of these options is malformed.

    """

    def __init__(self, options: Options, sanitize: Callable[[str], str]) -> None:
        self._strict = options.flag("strict", default=False)
        self._sanitize = sanitize
        self._compose = _expressions(options, "compose")
        check_names(options.mapping("compose"))
        self._groups = _expressions(options, "groups")
        leading = options.flag("leading_separator", default=True)
        self._keyed = [KeyedGroup.read(item, leading) for item in options.mappings("keyed_groups")]
        self._composed: set[str] = set()  # those that some host has got
        self._undefined: dict[str, str] = {}  # variable -> why the last host has not got it
        self._idle = set(self._keyed)  # those that no host is in a group of
        self._applied = False

    def apply(self, graph: Graph, host: HostNode, variables: Mapping[str, Any]) -> None:
        """Give one host its variables and groups.

        Args:
            graph: takes the groups.
            host: has the variables of its source, and of sources before, already.
            variables: those of the source alone, which is all that ``compose`` sees.

        """
        self._applied = True
        templater = Templater(variables)
        for name, expression in self._compose.items():
            self._set(host, name, expression, templater)
        before = _seen(graph, host, variables)  # no condition sees the groups of another one
        for name, expression in self._groups.items():
            if self._fits(host, expression, before):
                graph.add_host(graph.add_group(self._sanitize(name), expression.where).name, host)
        for keyed in self._keyed:
            self._add_to_keyed(graph, host, keyed, _seen(graph, host, variables))

    def notices(self) -> list[str]:
        """Say what no host has got: variables, most of which are meant as texts, and groups."""
        never = {name: why for name, why in self._undefined.items() if name not in self._composed}
        idle = [keyed for keyed in self._keyed if keyed in self._idle] if self._applied else []
        return [
            *(
                f"{self._compose[name].where}: compose: no host gets {name}: {why}"
                + _meant_as_text(self._compose[name].source)
                for name, why in never.items()
            ),
            *(
                f"{it.where}: keyed_groups: no host has {it.key}, so no group comes of it"
                for it in idle
            ),
        ]

    def _set(self, host: HostNode, name: str, expression: Expression, templater: Templater) -> None:
        def evaluate() -> object:
            try:
                return templater.evaluate(expression.source, expression.where)
            except UsageError as error:
                self._undefined[name] = error.message
                raise

        found = self._attempt(host, lambda: [evaluate()])
        if found:
            self._composed.add(name)
            host.variables[name] = as_data(found[0], expression.where)

    def _fits(self, host: HostNode, condition: Expression, templater: Templater) -> bool:
        def test() -> bool:
            return templater.test(condition.source, condition.where)

        return bool(self._attempt(host, test))

    def _add_to_keyed(
        self, graph: Graph, host: HostNode, keyed: KeyedGroup, templater: Templater
    ) -> None:
        names = self._attempt(host, lambda: keyed.names(templater, strict=self._strict))
        parent = self._attempt(host, lambda: [keyed.parent(templater)])
        if names is None or parent is None:
            return
        for name in names:
            self._idle.discard(keyed)
            group = graph.add_group(self._sanitize(name), keyed.where).name
            graph.add_host(group, host)
            if parent[0]:
                above = graph.add_group(self._sanitize(parent[0]), keyed.where).name
                graph.add_child(above, group, keyed.where)

    def _attempt(self, host: HostNode, work: Callable[[], Any]) -> Any:
        """Return what ``work`` returns, None where the host lacks something and may lack it."""
        try:
            return work()
        except UsageError as error:
            if self._strict or _is_wrong_in_itself(error):
                message = f"host {host.name}: {error.message}"
                raise UsageError(message, where=error.where, hint=error.hint) from error
            return None


def _expressions(options: Options, key: str) -> dict[str, Expression]:
    given = options.mapping(key)
    part = Options(given, options.place(key), key)
    found = {}
    for name, source in given.items():
        if not isinstance(name, str):
            raise part.error(name, "the name must be a text", "put it in quotes")
        if isinstance(source, bool) and key == "groups":
            source = str(source).lower()  # noqa: PLW2901 - `all_of_them: true`
        if not isinstance(source, str) or not source.strip():
            hint = f'put it in quotes: {name}: "{source}"'
            raise part.error(name, f"must be an expression, not {source!r}", hint)
        found[str(name)] = Expression(source, part.place(name))
    return found


def _meant_as_text(source: str) -> str:
    return f"; for a text, quote it twice: \"'{source}'\"" if source.isidentifier() else ""


def _seen(graph: Graph, host: HostNode, variables: Mapping[str, Any]) -> Templater:
    """Return what groups see of a host: its source's variables, then all that is known of it."""
    short = host.name if is_ip_address(host.name) else host.name.partition(".")[0]
    return Templater(
        {
            **variables,
            **host.variables,
            "inventory_hostname": host.name,
            "inventory_hostname_short": short,
            "group_names": sorted(graph.groups_of(host.name) - {ALL}),
        }
    )


def _is_wrong_in_itself(error: UsageError) -> bool:
    """Tell a faulty expression from one that this host has not the values for."""
    from jinja2 import TemplateError, UndefinedError

    cause = error.__cause__
    if isinstance(cause, UndefinedError):
        return False
    return cause is None or isinstance(cause, TemplateError)
