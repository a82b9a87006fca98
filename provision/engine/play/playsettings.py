"""What a play says of its hosts as a whole; it is rendered once, for the first of them."""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Mapping
from dataclasses import dataclass

from provision.engine.play.truth import truth
from provision.errors import UsageError
from provision.playbook.model import Play
from provision.templating import Templater


@dataclass(frozen=True)
class PlaySettings:
    """How a play goes through its hosts.

    Args:
        serial: the sizes of its batches.
        any_errors_fatal: whether the first failed host is the end, after its batch.
        max_fail_percentage: of a batch; more failed hosts are the end. None: all of them are.

    """

    serial: tuple[int | str, ...]
    any_errors_fatal: bool
    max_fail_percentage: float | None


def settings_of(
    play: Play, extra_vars: Mapping[str, object], inventory: Mapping[str, object]
) -> PlaySettings:
    """Render a play's settings with the variables of the command line, its own, and a host's.

    Ansible does not look at the host's: what it refuses as undefined, a group's variable may say
    here. So a size may also be a list of sizes.

    Raises:
        UsageError: an undefined variable, or a percentage that is no number.

    """
    templater = Templater(ChainMap(dict(extra_vars), dict(play.vars), dict(inventory)))

    def rendered(value: object) -> object:
        return templater.render(value, play.where)

    percentage = rendered(play.max_fail_percentage)
    try:
        limit = None if percentage is None else float(str(percentage).strip().removesuffix("%"))
    except ValueError:
        message = f"max_fail_percentage: {percentage!r} is no number"
        raise UsageError(message, where=play.where) from None
    return PlaySettings(
        serial=tuple(each for size in play.serial for each in _sizes(rendered(size))),
        any_errors_fatal=truth(rendered(play.any_errors_fatal)),
        max_fail_percentage=limit,
    )


def _sizes(value: object) -> list[int | str]:
    values = value if isinstance(value, list) else [value]
    return [each if isinstance(each, int) else str(each) for each in values]
