"""Settings from the environment: the contract between `provision` and every image."""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping
from dataclasses import dataclass, field


class SettingsError(Exception):
    """A variable whose value cannot be used; the text names it and says what is expected."""


@dataclass(frozen=True)
class Settings:
    """Typed reading of environment variables; empty counts as absent."""

    values: Mapping[str, str] = field(default_factory=lambda: os.environ)
    name: str = field(default_factory=socket.gethostname)

    def text(self, name: str, default: str) -> str:
        return self.values.get(name, "").strip() or default

    def number(self, name: str, default: float, low: float, high: float) -> float:
        """A number within bounds, both included."""
        text = self.text(name, str(default))
        try:
            value = float(text)
        except ValueError:
            raise SettingsError(f"{name}={text!r} is not a number") from None
        if not low <= value <= high:
            raise SettingsError(f"{name}={text} is not within {low:g} and {high:g}")
        return value

    def integer(self, name: str, default: int, low: int, high: int) -> int:
        value = self.number(name, default, low, high)
        if value != int(value):
            raise SettingsError(f"{name}={value} is not a whole number")
        return int(value)

    def choice(self, name: str, default: str, choices: tuple[str, ...]) -> str:
        value = self.text(name, default).lower()
        if value not in choices:
            raise SettingsError(f"{name}={value!r} is none of {', '.join(choices)}")
        return value

    def addresses(self, name: str, default: str) -> tuple[str, ...]:
        """``host:port`` items separated by commas."""
        items = tuple(item.strip() for item in self.text(name, default).split(",") if item.strip())
        for item in items:
            host, colon, port = item.rpartition(":")
            if not (host and colon and port.isdigit()):
                raise SettingsError(f"{name}: {item!r} is not host:port")
        return items

    @property
    def metrics_port(self) -> int:
        return self.integer("METRICS_PORT", 9464, 0, 65535)
