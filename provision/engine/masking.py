"""Keeps the secrets of a run's hosts out of everything that is shown or recorded."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from dataclasses import replace
from enum import Enum
from typing import Any

from provision.engine.events import Event, EventBus
from provision.errors import UsageError
from provision.inventory.secrets import Masker, Secret, names_a_secret, secret_values
from provision.templating import Templater


class Mask:
    """Hides every secret that it was told of, whichever host's text it is found in."""

    def __init__(self) -> None:
        self._values: set[str] = set()
        self._masker = Masker(())
        self._lock = threading.Lock()

    def __call__(self, text: str) -> str:
        """Return ``text`` without the secrets."""
        return self._masker.mask(text) if text else text

    def learn(self, variables: Mapping[str, object], context: Mapping[str, object]) -> None:
        """Hide the secrets among ``variables``, rendered with ``context`` where need be."""
        self.add(secret_values({"secret": list(_rendered(variables, Templater(context)))}))

    def add(self, values: set[str]) -> None:
        """Hide these texts."""
        with self._lock:
            if values <= self._values:
                return
            self._values |= values
            self._masker = Masker(self._values)


class MaskedBus(EventBus):
    """Passes events on without the secrets in their texts."""

    def __init__(self, bus: EventBus, mask: Mask) -> None:
        super().__init__(bus.emit)
        self._mask = mask

    def emit(self, event: Event) -> None:
        """Hand ``event`` on, masked."""
        hidden: dict[str, Any] = {
            name: masked
            for name, value in vars(event).items()
            if name not in _NAMES and (masked := self._masked(value)) != value
        }
        super().emit(replace(event, **hidden) if hidden else event)

    def _masked(self, value: object) -> object:
        if isinstance(value, str) and not isinstance(value, Enum):
            return self._mask(value)
        if isinstance(value, tuple):
            return tuple(map(self._masked, value))
        return value


_NAMES = {"host", "hosts", "run"}  # a host is known by its name, whatever the secrets are


def _rendered(value: object, templater: Templater, *, inside: bool = False) -> Iterator[object]:
    """Yield what stands under a secret's name; a template that cannot be rendered yet has none."""
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from _rendered(item, templater, inside=inside or names_a_secret(str(key)))
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _rendered(item, templater, inside=inside)
    elif inside or isinstance(value, Secret):
        try:
            yield templater.render(value)
        except UsageError:
            return
