"""``loop``: the items of an entry, each with its variables and its name in the output."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from provision.engine.play.variables import HostVariables
from provision.errors import UsageError
from provision.playbook.model import LoopControl, TaskEntry
from provision.templating import Templater
from provision.transport.labels import shorten

_WIDTH = 40  # of an item in the output


@dataclass(frozen=True)
class Item:
    """One item of a loop; with no index, the entry has none.

    Args:
        variables: the host's and the entry's, and those that name the item.
        value: the item.
        index: from 0.

    """

    variables: HostVariables
    value: object = None
    index: int | None = None

    def suffix(self, control: LoopControl, templater: Templater, *, hidden: bool) -> str:
        """Return what the output adds to the entry's name.

        The item itself may come from a host, and is never taken for a template; the label of
        ``loop_control`` is the playbook's own.
        """
        if self.index is None:
            return ""
        if hidden:
            return f" (item {self.index + 1})"
        label = self.value if control.label is None else templater.render(control.label)
        return f" ({shorten(str(label), _WIDTH)})"


def items_of(entry: TaskEntry, base: HostVariables, search: tuple[Path, ...]) -> Iterator[Item]:
    """Yield the items of an entry's loop.

    Raises:
        UsageError: it is not a list, or cannot be rendered.

    """
    values = Templater(base, search=search).render(entry.loop, entry.where)
    if not isinstance(values, list | tuple):
        raise UsageError(f"loop: {values!r} is not a list", where=entry.where)
    control = entry.loop_control
    for index, value in enumerate(values):
        names: dict[str, object] = {control.loop_var: value}
        if control.index_var is not None:
            names[control.index_var] = index
        yield Item(base.with_current(names), value, index)
