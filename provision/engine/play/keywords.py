"""What the keywords of a play and an entry say for one host: whom to be, how, and its name."""

from __future__ import annotations

from typing import Any

from provision.engine.play.loops import Item
from provision.engine.play.truth import truth
from provision.engine.play.variables import HostVariables
from provision.errors import UsageError
from provision.playbook.model import Play, TaskEntry
from provision.tasks.manner import Manner
from provision.templating import Templater


def manner_of(play: Play, entry: TaskEntry, templater: Templater, *, no_log: bool) -> Manner:
    """Return how an entry is to be carried out."""
    check = entry.check_mode
    environment: Any = templater.render({**play.environment, **entry.environment})
    names: Any = templater.render(list(entry.notify), entry.where)
    return Manner(
        notify=tuple(map(str, names)),
        ignore_errors=truth(templater.render(entry.ignore_errors, entry.where)),
        check=None if check is None else truth(templater.render(check, entry.where)),
        no_log=no_log,
        environment={name: str(value) for name, value in environment.items()},
    )


def label_of(entry: TaskEntry, item: Item, templater: Templater, *, hidden: bool) -> str:
    """Return the entry's name, in a loop with the item; what cannot be rendered stays."""
    try:
        name = templater.render_text(entry.name, entry.where)
    except UsageError:
        name = entry.name
    return name + item.suffix(entry.loop_control, templater, hidden=hidden)


def user_of(play: Play, entry: TaskEntry | None, templater: Templater) -> str | None:
    """Return the user to become; connection variables win over keywords, as in Ansible."""
    variables = templater.variables
    assert isinstance(variables, HostVariables)  # noqa: S101 - all templaters here have them

    def first(variable: str, keyword: object, of_play: object) -> object:
        candidates = (variables.given(variable), keyword, of_play)
        given = next((value for value in candidates if value is not None), None)
        return templater.render(given)

    if not truth(first("ansible_become", entry and entry.become, play.become)):
        return None
    named = (entry and entry.become_user, play.become_user)
    return str(first("ansible_become_user", *named) or "root")
