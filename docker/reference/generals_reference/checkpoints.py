"""Checkpoints of the learner: written whole, resumed from the newest."""

from __future__ import annotations

import hashlib
import logging

from generals_reference.storage import Storage

log = logging.getLogger(__name__)
DIGEST = 32  # bytes of SHA-256 in front of the state


class Checkpoints:
    """``step-000000000120.ckpt`` files in `storage`; the newest `keep` are kept."""

    def __init__(self, storage: Storage, keep: int = 3) -> None:
        self.storage, self.keep = storage, keep

    @property
    def names(self) -> list[str]:
        """All of them, oldest first."""
        return [name for name in self.storage.names() if name.endswith(".ckpt")]

    def save(self, step: int, state: bytes) -> str:
        """Write a checkpoint; on return it is kept. The answer is its name."""
        name = f"step-{step:012}.ckpt"
        self.storage.write(name, hashlib.sha256(state).digest() + state)
        for old in self.names[: -self.keep]:
            self.storage.delete(old)
        return name

    def newest(self) -> bytes | None:
        """The state of the newest checkpoint that is whole; None if there is none."""
        for name in reversed(self.names):
            data = self.storage.read(name)
            if hashlib.sha256(data[DIGEST:]).digest() == data[:DIGEST]:
                log.info("resuming", extra={"checkpoint": name, "storage": str(self.storage)})
                return data[DIGEST:]
            log.error("damaged checkpoint ignored", extra={"checkpoint": name})
        return None
