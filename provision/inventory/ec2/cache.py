"""What EC2 has answered, kept for a while in the user's cache directory."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import tempfile
import time
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from provision.errors import Location, UsageError
from provision.inventory.options import Options

_LIFETIME = 3600  # seconds; Ansible's default
_FORMAT = 1
_TIME = "$datetime"
_PLUGINS = {"jsonfile", "ansible.builtin.jsonfile"}


@dataclass(frozen=True)
class CacheSettings:
    """Where answers are kept, and for how long.

    Args:
        lifetime: seconds; 0 is for ever, as in Ansible.
        directory: readable by its owner alone where we make it.
        prefix: what the files' names begin with.

    """

    lifetime: int
    directory: Path
    prefix: str

    @classmethod
    def read(cls, options: Options) -> CacheSettings | None:
        """Read the ``cache…`` options, as Ansible calls them; None where nothing is kept."""
        plugin = options.text("cache_plugin")
        if plugin is not None and plugin not in _PLUGINS:
            hint = "remove it; answers are kept in files of JSON (jsonfile)"
            raise options.error("cache_plugin", f"{plugin!r} is not supported", hint)
        directory = options.text("cache_connection")
        settings = cls(
            options.number("cache_timeout", _LIFETIME),
            Path(directory).expanduser() if directory else default_directory(),
            options.text("cache_prefix") or "",
        )
        return settings if options.flag("cache", default=False) else None


def default_directory() -> Path:
    """Return the user's cache directory for this (XDG Base Directory Specification)."""
    base = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(base).expanduser() / "provision" / "ec2"


class Cache:
    """One question's answer on disk.

    Args:
        settings: where, and for how long.
        question: what tells this question from all others; not kept in readable form.

    """

    def __init__(self, settings: CacheSettings, question: object) -> None:
        digest = hashlib.sha256(repr(question).encode()).hexdigest()[:24]
        self.file = settings.directory / f"{settings.prefix}{digest}.json"
        self._lifetime = settings.lifetime

    def answer(self) -> Any:
        """Return what was kept, or None where there is nothing, or nothing recent enough."""
        age = self.age()
        if age is None or (self._lifetime and not 0 <= age <= self._lifetime):
            return None
        return self._read().get("answer")

    def age(self) -> float | None:
        """Return how many seconds ago the answer was given; None where there is none."""
        asked = self._read().get("asked")
        return None if asked is None else time.time() - asked

    def keep(self, answer: object, where: Location) -> None:
        """Write an answer down, whole or not at all, readable by its owner alone.

        Raises:
            UsageError: it cannot be written; ``where`` is the option that asks for it.

        """
        text = json.dumps(
            {"format": _FORMAT, "asked": time.time(), "answer": answer}, default=to_json
        )
        try:
            self.file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            _replace(self.file, text)
        except OSError as error:
            raise UsageError(
                f"the cache {self.file} cannot be written: {error.strerror}",
                where=where,
                hint="name another directory (cache_connection), or remove `cache: true`",
            ) from None

    def forget(self) -> None:
        """Remove the answer: it was found to be no longer true."""
        with contextlib.suppress(OSError):
            self.file.unlink()

    def _read(self) -> dict[str, Any]:
        """Return the file's content; one that is damaged counts as none."""
        try:
            kept = json.loads(self.file.read_text(encoding="utf-8"), object_hook=from_json)
        except (OSError, ValueError):
            return {}
        is_ours = isinstance(kept, dict) and kept.get("format") == _FORMAT
        return kept if is_ours else {}


def _replace(file: Path, text: str) -> None:
    descriptor, name = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}.")  # mode 0600
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
            stream.write(text)
        Path(name).replace(file)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def to_json(value: object) -> object:
    """Return a time as JSON can hold it; for ``json.dumps``."""
    if isinstance(value, datetime):
        return {_TIME: value.isoformat()}
    raise TypeError(f"not to be kept: {value!r}")


def from_json(mapping: dict[str, Any]) -> Any:
    """Return the time that ``to_json`` was given, or the mapping itself; for ``json.loads``."""
    if set(mapping) == {_TIME}:
        return datetime.fromisoformat(mapping[_TIME])
    return mapping
