"""Versions of the policy's weights in a directory: ``000012.weights`` beside ``000012.json``.

Everything is written beside its place, flushed and renamed, so that a crash leaves whole files.
"""

from __future__ import annotations

import hashlib
import json
import threading
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import grpc

from generals_reference.refused import Refused
from generals_reference.storage import Directory

Code = grpc.StatusCode


@dataclass(frozen=True)
class Version:
    """What is known about one set of weights."""

    number: int
    sha256: str
    size: int  # bytes
    step: int  # learner updates
    created: float  # seconds since the epoch


class ModelStore:
    """All versions under `folder`. Every method may be called from any thread."""

    def __init__(self, folder: Path, keep: int) -> None:
        self.folder, self.keep = folder, keep
        self.lock = threading.RLock()
        self.directory = Directory(folder)
        self.versions = {
            version.number: version
            for path in sorted(folder.glob("*.json"))
            if path.with_suffix(".weights").exists()
            for version in [Version(**json.loads(path.read_text(encoding="utf-8")))]
        }
        history = folder / "promoted"
        lines = history.read_text(encoding="utf-8").split() if history.exists() else []
        self.promoted = [int(line) for line in lines if int(line) in self.versions]

    def get(self, number: int) -> Version:
        if number not in self.versions:
            raise Refused(Code.NOT_FOUND, f"there is no version {number}")
        return self.versions[number]

    @property
    def latest(self) -> Version | None:
        return self.versions[max(self.versions)] if self.versions else None

    @property
    def current(self) -> Version | None:
        """The promoted version."""
        return self.versions[self.promoted[-1]] if self.promoted else None

    def weights(self, version: Version) -> bytes:
        """The weights of a version, checked against its hash."""
        try:
            data = self.directory.read(f"{version.number:06}.weights")
        except OSError as error:
            raise Refused(Code.DATA_LOSS, f"version {version.number}: {error}") from error
        if hashlib.sha256(data).hexdigest() != version.sha256:
            raise Refused(Code.DATA_LOSS, f"version {version.number} is damaged on disk")
        return data

    def publish(self, data: bytes, sha256: str, step: int) -> Version:
        """Store weights as the next version; the same weights again are the version they are."""
        if hashlib.sha256(data).hexdigest() != sha256:
            raise Refused(Code.DATA_LOSS, "the weights are not what their hash says")
        with self.lock:
            for version in self.versions.values():
                if version.sha256 == sha256:
                    return version
            number = max(self.versions, default=0) + 1
            version = Version(number, sha256, len(data), step, time.time())
            self.directory.write(f"{number:06}.weights", data)
            self.directory.write(f"{number:06}.json", json.dumps(asdict(version)).encode())
            self.versions[number] = version
            self._forget_old()
            return version

    def promote(self, number: int) -> Version:
        """Make `number` the version to play with."""
        with self.lock:
            version = self.get(number)
            if self.promoted[-1:] != [number]:
                self._set_promoted([*self.promoted, number])
            return version

    def rollback(self) -> Version:
        """Go back to what was promoted before."""
        with self.lock:
            if len(self.promoted) < 2:
                raise Refused(Code.NOT_FOUND, "nothing was promoted before the current version")
            self._set_promoted(self.promoted[:-1])
            return self.versions[self.promoted[-1]]

    def _set_promoted(self, numbers: list[int]) -> None:
        numbers = numbers[-self.keep :]
        self.directory.write("promoted", "".join(f"{number}\n" for number in numbers).encode())
        self.promoted = numbers

    def _forget_old(self) -> None:
        """Keep the newest versions and those that a rollback may need."""
        needed = set(sorted(self.versions)[-self.keep :]) | set(self.promoted[-2:])
        for number in set(self.versions) - needed:
            del self.versions[number]
            for suffix in ("json", "weights"):
                self.directory.delete(f"{number:06}.{suffix}")
        self.promoted = [number for number in self.promoted if number in self.versions]
