"""What a play says of its hosts as a whole; unlike its tasks, it is rendered for none of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from provision.engine.truth import truth
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


def settings_of(play: Play, extra_vars: Mapping[str, object]) -> PlaySettings:
    """Render a play's settings with its own variables and those of the command line.

    Raises:
        UsageError: an undefined variable, or a percentage that is no number.

    """
    templater = Templater({**play.vars, **extra_vars})

    def rendered(value: object) -> object:
        return templater.render(value, play.where)

    percentage = rendered(play.max_fail_percentage)
    try:
        limit = None if percentage is None else float(str(percentage).strip().removesuffix("%"))
    except ValueError:
        message = f"max_fail_percentage: {percentage!r} is no number"
        raise UsageError(message, where=play.where) from None
    return PlaySettings(
        serial=tuple(_size(rendered(size)) for size in play.serial),
        any_errors_fatal=truth(rendered(play.any_errors_fatal)),
        max_fail_percentage=limit,
    )


def _size(value: object) -> int | str:
    return value if isinstance(value, int) else str(value)
