"""Reads a file with ``plugin: aws_ec2`` into the graph of hosts and groups."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

from provision.errors import UsageError
from provision.inventory.ec2.cache import Cache
from provision.inventory.ec2.config import Ec2Config, Filters, read_config
from provision.inventory.ec2.query import Answer, Found, Query
from provision.inventory.ec2.state import Whereabouts, away, left_out
from provision.inventory.ec2.variables import variables_of
from provision.inventory.foreign import as_data
from provision.inventory.graph import Graph, HostNode
from provision.inventory.model import ALL
from provision.source import LocatedMapping

_GROUP = "aws_ec2"


def read(data: LocatedMapping, path: Path, graph: Graph, *, fresh: bool = False) -> None:
    """Add the instances that a file asks for.

    Args:
        data: the file's content.
        path: the file.
        graph: takes hosts, groups and notices.
        fresh: ask EC2 even if its last answer is recent enough.

    Raises:
        UsageError: with file and line; an ``AwsError`` where EC2 could not be asked.

    """
    config = read_config(data, path)
    cache = Cache(config.cache, _question(config)) if config.cache else None
    answer = _answer(config, cache, fresh=fresh)
    populate(graph, config, answer, cache.forget if cache else lambda: None)


def _question(config: Ec2Config) -> object:
    asked = (config.regions, config.region, config.queries, config.exclude)
    return (config.access.identity(), config.strict_permissions, *asked)


def _answer(config: Ec2Config, cache: Cache | None, *, fresh: bool) -> Answer:
    kept = None if cache is None or fresh else cache.answer()
    if kept is not None:
        return Answer(tuple(Found(**one) for one in kept["found"]), tuple(kept["notices"]))
    try:
        answer = Query(config).ask()
    except UsageError as error:
        raise _with_age(error, config, cache) from error
    if cache is not None:
        cache.keep(asdict(answer), config.where)
    return answer


def _with_age(error: UsageError, config: Ec2Config, cache: Cache | None) -> UsageError:
    """Say that there is an older answer, which a longer lifetime would let count."""
    age = cache.age() if cache is not None else None
    where = error.where or config.where
    if age is None:
        return UsageError(error.message, where=where, hint=error.hint)
    old = f"EC2's last answer is {round(age)} s old; a longer cache_timeout would let it count"
    hint = f"{error.hint}; {old}" if error.hint else old
    return UsageError(error.message, where=where, hint=hint)


def populate(
    graph: Graph, config: Ec2Config, answer: Answer, forget: Callable[[], None] = lambda: None
) -> None:
    """Add what EC2 has answered; see ``read``."""
    graph.add_group(_GROUP, config.where)
    _Populating(graph, config, forget).add(answer)
    graph.add_child(ALL, _GROUP)


class _Populating:
    """One answer on its way into the graph."""

    def __init__(self, graph: Graph, config: Ec2Config, forget: Callable[[], None]) -> None:
        self._graph = graph
        self._config = config
        self._whereabouts = Whereabouts(config.access, forget)
        self._owners: dict[str, str] = {}  # name -> id of the instance
        self._away: dict[str, list[str]] = {}  # reason -> names

    def add(self, answer: Answer) -> None:
        for found in answer.found:
            self._add(found)
        source = str(self._config.path)
        self._graph.notices += answer.notices
        if not answer.found and not answer.notices:
            self._graph.notices.append(_nothing(self._config))
        self._graph.notices += [left_out(why, who, source) for why, who in self._away.items()]
        self._graph.notices += self._config.constructed.notices()

    def _add(self, found: Found) -> None:
        names = self._config.names.of(found.instance)
        name = str(found.instance["InstanceId"])
        reason = away(found)
        if reason is not None:
            shown = f"{names[0]} ({name})" if names else name
            self._away.setdefault(reason, []).append(shown)
            self._graph.absent.update(dict.fromkeys(names, f"its instance {name} is {reason}"))
        elif names:
            for host in names:
                self._add_host(host, found)
        else:
            nameless = "named by nothing that `hostnames` asks for"
            self._away.setdefault(nameless, []).append(name)

    def _add_host(self, name: str, found: Found) -> None:
        config, where = self._config, self._config.where
        self._claim(name, str(found.instance["InstanceId"]))
        file = config.path.absolute()
        node = HostNode(name, where, source=str(file), directory=str(file.parent))
        host = self._graph.add_host(_GROUP, node)
        variables = variables_of(
            found.instance,
            prefix=config.hostvars_prefix,
            suffix=config.hostvars_suffix,
            ec2_tag_keys=config.ec2_tag_keys,
        )
        data = {key: as_data(value, where) for key, value in variables.items()}
        host.variables.update(data)
        self._connect(host, found)
        region, instance = found.region, str(found.instance["InstanceId"])
        host.absence = lambda: self._whereabouts.of(region, instance)
        config.constructed.apply(self._graph, host, data)

    def _claim(self, name: str, instance: str) -> None:
        owner = self._owners.setdefault(name, instance)
        if owner != instance:
            raise UsageError(
                f"{owner} and {instance} are both called {name!r}: one of them would be lost",
                where=self._config.names.where,
                hint="name instances by what is unique, such as instance-id,"
                " or {name: private-ip-address, prefix: tag:Name}",
            )

    def _connect(self, host: HostNode, found: Found) -> None:
        connect = self._config.connect
        given = connect.variables(found.instance, found.region)
        if connect.way is not None and not given:
            reason = f"has no {connect.way} address, and is reached by its name"
            self._graph.notices.append(f"{self._config.path}: {host.name} {reason}")
        host.variables.update(
            {key: as_data(value, self._config.where) for key, value in given.items()}
        )


def _nothing(config: Ec2Config) -> str:
    """Return the notice where no instance is wanted: a misspelt tag is no error to EC2."""
    asked = " or ".join(filter(None, map(_shown, config.queries)))
    return (
        f"{config.where}: there is no instance in {', '.join(config.regions) or 'any region'}"
        + (f" with {asked}" if asked else "")
        + (" beside those of exclude_filters" if config.exclude else "")
    )


def _shown(filters: Filters) -> str:
    return ", ".join(f"{name}={'|'.join(values)}" for name, values in filters.items())
