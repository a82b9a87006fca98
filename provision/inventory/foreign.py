"""Values that come from elsewhere than the user's files: never to be taken for templates."""

from __future__ import annotations

from provision.errors import Location
from provision.source import UnsafeString


def as_data(value: object, where: Location) -> object:
    """Return ``value`` with every text in it marked as data; ``where`` is what asked for it.

    Otherwise somebody who may tag an instance could have files of the controller read.
    """
    if isinstance(value, str):
        text = UnsafeString(value)
        text.location = where
        return text
    if isinstance(value, dict):
        return {key: as_data(item, where) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [as_data(item, where) for item in value]
    return value
