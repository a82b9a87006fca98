"""Reads one task or handler of a play."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from provision.errors import Location, UsageError, did_you_mean
from provision.playbook.keywords import (
    COLLECTIONS,
    LOOP_CONTROL,
    PLAY_KEYWORDS,
    REFUSED_IN_TASK,
    TASK_KEYWORDS,
)
from provision.playbook.model import LoopControl, TaskEntry
from provision.playbook.parameters import (
    ModuleCatalog,
    Parameter,
    ParameterError,
    canonical,
    convert,
)
from provision.playbook.reading import Keywords
from provision.playbook.short_form import parse_text
from provision.source import LocatedMapping, location_of
from provision.templating.markers import contains_template, has_template


class TaskReader:
    """Reads the tasks of one play; ``notified`` collects the names that they notify."""

    def __init__(self, modules: ModuleCatalog) -> None:
        self._modules = modules
        self._names = frozenset(modules.names())
        self.notified: list[tuple[str, Location]] = []

    def handler(self, item: object, play: Location) -> TaskEntry:
        """Return a handler, which needs a name to be notified by."""
        entry = self.task(item, play)
        if isinstance(item, LocatedMapping) and not (item.get("name") or entry.listen):
            raise UsageError("a handler needs a `name` or `listen`", where=entry.where)
        return entry

    def task(self, item: object, play: Location) -> TaskEntry:
        """Return a task; ``play`` is named in an error about an entry that has no place."""
        if not isinstance(item, LocatedMapping):
            where = location_of(item) or play
            hint = "begin with `- name: …`, then the module"
            raise UsageError(f"a task is a mapping, not {item!r}", where=where, hint=hint)
        word = self._module_word(item)
        action = _short(word)
        keywords = Keywords(item)
        known = self._modules.parameters(action)
        notify = keywords.names("notify")
        self.notified.extend(
            (name, location_of(name) or keywords.where("notify")) for name in notify
        )
        retries, delay = keywords.number("retries"), keywords.number("delay")
        return TaskEntry(
            name=keywords.text("name") or action,
            action=action,
            parameters=_parameters(item, word, known),
            when=keywords.condition("when"),
            loop=_loop(keywords),
            loop_control=_loop_control(keywords),
            register=keywords.variable("register"),
            notify=notify,
            listen=keywords.names("listen"),
            tags=keywords.names("tags", separator=","),
            become=keywords.flag("become"),
            become_user=keywords.text("become_user"),
            vars=keywords.variables("vars"),
            environment=keywords.mapping("environment"),
            changed_when=keywords.condition("changed_when"),
            failed_when=keywords.condition("failed_when"),
            ignore_errors=keywords.flag("ignore_errors") or False,
            no_log=keywords.flag("no_log") or False,
            until=keywords.condition("until"),
            retries=retries,
            delay=5 if delay is None else delay,
            run_once=keywords.flag("run_once") or False,
            check_mode=keywords.flag("check_mode"),
            where=item.location,
        )

    def _module_word(self, item: LocatedMapping) -> str:
        """Return the one key that is a module, after refusing every key that is nothing."""
        modules = []
        for word in item:
            if word in TASK_KEYWORDS:
                continue
            if _short(word) not in self._names:
                self._refuse(str(word), item)
            modules.append(str(word))
        if not modules:
            hint = "add one, such as `ansible.builtin.copy:`, with its parameters"
            raise UsageError("the task names no module", where=item.location, hint=hint)
        if len(modules) > 1:
            raise UsageError(
                f"the task names two modules, {modules[0]} and {modules[1]}",
                where=item.key_locations.get(modules[1]),
                hint="make it two tasks, each with its own `-`",
            )
        return modules[0]

    def _refuse(self, word: str, item: LocatedMapping) -> None:
        where = item.key_locations.get(word)
        refused = REFUSED_IN_TASK.get(_short(word))
        if refused is None and word.startswith("with_"):
            refused = "use `loop`"
        if refused is not None:
            message = f"`{word}` is outside the part of Ansible that we run"
            raise UsageError(message, where=where, hint=refused)
        if word in PLAY_KEYWORDS:
            raise UsageError(f"`{word}` belongs to a play, not to a task", where=where)
        for module in filter(self._names.__contains__, map(_short, item)):
            if word in self._modules.parameters(module):
                message = f"`{word}` is a parameter of {module}"
                raise UsageError(message, where=where, hint=f"indent it below `{module}:`")
        hint = did_you_mean(_short(word), [*TASK_KEYWORDS, *self._names])
        message = f"there is no module or keyword {word!r}"
        raise UsageError(message, where=where, hint=hint or "see docs/playbooks.md for all of them")


def _short(word: object) -> str:
    """Return a module's name without the collection that Ansible keeps it in."""
    text = str(word)
    collection, _, name = text.rpartition(".")
    return name if collection in COLLECTIONS else text


def _parameters(
    item: LocatedMapping, word: str, known: Mapping[str, Parameter]
) -> dict[str, object]:
    where = item.key_locations.get(word, item.location)
    written: Mapping[str, object] = {}
    more = Keywords(item).mapping("args")
    try:
        written = _written(item, word, known)
        given = canonical(written, known) | canonical(more, known)
        _check(_short(word), given, known)
    except ParameterError as error:
        place = _place(error.word, (written, more), known) or where
        raise UsageError(error.message, where=place, hint=error.hint) from None
    except UsageError as error:
        raise UsageError(error.message, where=error.where or where, hint=error.hint) from None
    return given


def _written(
    item: LocatedMapping, word: str, known: Mapping[str, Parameter]
) -> Mapping[str, object]:
    value = item[word]
    return parse_text(value, known) if isinstance(value, str) else Keywords(item).mapping(word)


def _place(
    name: object, mappings: Iterable[Mapping[str, object]], known: Mapping[str, Parameter]
) -> Location | None:
    aliases = known[name].aliases if isinstance(name, str) and name in known else ()
    places = (
        location_of(mapping, word)
        for mapping in mappings
        for word in (name, *aliases)
        if word in mapping
    )
    return next(places, None)


def _check(action: str, given: Mapping[str, object], known: Mapping[str, Parameter]) -> None:
    for name, parameter in known.items():
        if parameter.required and given.get(name) is None:
            raise UsageError(f"{action} needs the parameter {name!r}")
    for name, value in given.items():
        if name in known and not contains_template(value):
            convert(name, value, known[name])


def _loop(keywords: Keywords) -> object:
    loop = keywords.given("loop")
    if loop is None or isinstance(loop, list) or (isinstance(loop, str) and has_template(loop)):
        return loop
    hint = 'write the items as a list, or a template such as "{{ packages }}"'
    keywords.refuse("loop", f"`loop` must be a list, not {loop!r}", hint)


def _loop_control(keywords: Keywords) -> LoopControl:
    given = keywords.mapping("loop_control")
    for word in given:
        if word not in LOOP_CONTROL:
            hint = did_you_mean(word, LOOP_CONTROL)
            where = location_of(given, word)
            raise UsageError(f"`loop_control` has no {word!r}", where=where, hint=hint)
    if not isinstance(given, LocatedMapping):
        return LoopControl()
    control = Keywords(given)
    return LoopControl(
        loop_var=control.variable("loop_var") or "item",
        index_var=control.variable("index_var"),
        label=control.given("label"),
    )
