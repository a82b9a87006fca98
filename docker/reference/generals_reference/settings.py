"""Settings from the environment: the contract between `provision` and every image."""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping
from dataclasses import dataclass, field


class SettingsError(Exception):
    """A variable whose value cannot be used; the text names it and says what is expected."""


@dataclass(frozen=True)
class Environment:
    """Typed reading of environment variables; empty counts as absent."""

    values: Mapping[str, str]

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


@dataclass(frozen=True)
class Settings:
    """What every command shares."""

    environment: Environment
    name: str = field(default_factory=socket.gethostname)

    @classmethod
    def from_process(cls) -> Settings:
        return cls(Environment(os.environ))

    @property
    def log_level(self) -> str:
        levels = ("debug", "info", "warning", "error")
        return self.environment.choice("LOG_LEVEL", "info", levels)

    @property
    def development(self) -> bool:
        return self.environment.text("ENVIRONMENT", "production") == "development"

    @property
    def metrics_port(self) -> int:
        return self.environment.integer("METRICS_PORT", 9464, 0, 65535)

    @property
    def game_servers(self) -> tuple[str, ...]:
        return self.environment.addresses("GAME_SERVER", "localhost:50051")

    @property
    def buffers(self) -> tuple[str, ...]:
        return self.environment.addresses("EXPERIENCE_BUFFER", "localhost:50052")

    @property
    def model_servers(self) -> tuple[str, ...]:
        return self.environment.addresses("MODEL_SERVER", "localhost:50053")

    def port(self, default: int) -> int:
        """Where this service listens (0 lets the system choose)."""
        return self.environment.integer("PORT", default, 0, 65535)
