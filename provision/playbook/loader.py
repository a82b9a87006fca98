"""Reads playbooks: checks every word against what we know, and makes typed objects of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from provision.errors import Location, UsageError, did_you_mean
from provision.playbook.entry import TaskReader
from provision.playbook.keywords import (
    PLAY_KEYWORDS,
    REFUSED_IN_PLAY,
    REFUSED_IN_PLAYBOOK,
    TASK_KEYWORDS,
)
from provision.playbook.model import Play, TaskEntry
from provision.playbook.modules import MODULES
from provision.playbook.parameters import ModuleCatalog
from provision.playbook.reading import Keywords
from provision.source import LocatedMapping, load_yaml, location_of
from provision.templating.markers import has_template

_EXAMPLE = "begin with `- hosts: all`, then `tasks:`"


def load_playbook(path: Path, modules: ModuleCatalog) -> tuple[Play, ...]:
    """Return the plays of a file.

    Args:
        path: the file.
        modules: what tasks may name; parameters are checked against it as far as no template
            hides their values.

    Raises:
        UsageError: with file, line and column, for the first thing that is wrong.

    """
    loaded = load_yaml(path)
    if not isinstance(loaded, list):
        raise UsageError(
            "a playbook is a list of plays", where=Location(str(path), 1, 1), hint=_EXAMPLE
        )
    return tuple(_play(item, Location(str(path)), modules) for item in loaded)


def load_variables(path: Path) -> Mapping[str, object]:
    """Return the variables of a file, as ``vars_files`` names them; an empty file has none.

    Raises:
        UsageError: the file does not hold a mapping of names to values.

    """
    loaded = load_yaml(path)
    if loaded is None:
        return {}
    if not isinstance(loaded, LocatedMapping):
        raise UsageError("a file of variables is a mapping", where=Location(str(path), 1, 1))
    holder = LocatedMapping(variables=loaded)
    holder.location, holder.key_locations = loaded.location, {}
    return Keywords(holder).variables("variables")


def _play(item: object, file: Location, modules: ModuleCatalog) -> Play:
    if not isinstance(item, LocatedMapping):
        where = location_of(item) or file
        raise UsageError(f"a play is a mapping, not {item!r}", where=where, hint=_EXAMPLE)
    _check_keywords(item)
    keywords = Keywords(item)
    hosts = ",".join(keywords.names("hosts"))
    if not hosts:
        raise UsageError("the play names no `hosts`", where=item.location, hint=_EXAMPLE)
    reader = TaskReader(modules)
    handlers = tuple(reader.handler(entry, item.location) for entry in keywords.items("handlers"))
    sections = {
        section: tuple(reader.task(entry, item.location) for entry in keywords.items(section))
        for section in ("pre_tasks", "tasks", "post_tasks")
    }
    if not any(task.action not in MODULES for tasks in sections.values() for task in tasks):
        _check_notifications(handlers, reader.notified)  # Python tasks may bring handlers along
    gather_facts, fatal = keywords.flag("gather_facts"), keywords.flag("any_errors_fatal")
    return Play(
        name=keywords.text("name") or hosts,
        hosts=hosts,
        serial=keywords.batches("serial"),
        become=keywords.flag("become"),
        become_user=keywords.text("become_user"),
        vars=keywords.variables("vars"),
        vars_files=keywords.names("vars_files"),
        tags=keywords.names("tags", separator=","),
        gather_facts=True if gather_facts is None else gather_facts,
        any_errors_fatal=False if fatal is None else fatal,
        max_fail_percentage=keywords.number("max_fail_percentage"),
        environment=keywords.mapping("environment"),
        handlers=handlers,
        where=item.location,
        **sections,
    )


def _check_keywords(play: LocatedMapping) -> None:
    for word in play:
        if word in PLAY_KEYWORDS:
            continue
        where = play.key_locations.get(word)
        refused = REFUSED_IN_PLAY.get(word) or REFUSED_IN_PLAYBOOK.get(word)
        if refused:
            message = f"`{word}` is outside the part of Ansible that we run"
            raise UsageError(message, where=where, hint=refused)
        for_tasks = "put it on each task" if word in TASK_KEYWORDS else None
        hint = for_tasks or did_you_mean(str(word), PLAY_KEYWORDS)
        raise UsageError(f"a play has no keyword {word!r}", where=where, hint=hint)


def _check_notifications(
    handlers: Iterable[TaskEntry], notified: Iterable[tuple[str, Location]]
) -> None:
    """Refuse to notify a handler that the play does not have; Ansible finds out when it runs."""
    known = {name for handler in handlers for name in (handler.name, *handler.listen)}
    if any(has_template(name) for name in known):
        return
    for name, where in notified:
        if name not in known and not has_template(name):
            hint = did_you_mean(name, known) or "define it under `handlers` of the play"
            raise UsageError(f"the play has no handler {name!r}", where=where, hint=hint)
