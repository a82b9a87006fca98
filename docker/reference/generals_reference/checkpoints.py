"""Checkpoints of the learner in a directory: written whole, resumed from the newest."""

from __future__ import annotations

import hashlib
import logging
from pathlib import Path

from generals_reference.model_store import write

log = logging.getLogger(__name__)
DIGEST = 32  # bytes of SHA-256 in front of the state


class Checkpoints:
    """``step-000000000120.ckpt`` files under `folder`; the newest `keep` are kept."""

    def __init__(self, folder: Path, keep: int = 3) -> None:
        self.folder, self.keep = folder, keep
        folder.mkdir(parents=True, exist_ok=True)

    @property
    def paths(self) -> list[Path]:
        """All of them, oldest first."""
        return sorted(self.folder.glob("step-*.ckpt"))

    def save(self, step: int, state: bytes) -> Path:
        """Write a checkpoint; on return it is on disk."""
        path = self.folder / f"step-{step:012}.ckpt"
        write(path, hashlib.sha256(state).digest() + state)
        for old in self.paths[: -self.keep]:
            old.unlink(missing_ok=True)
        return path

    def newest(self) -> bytes | None:
        """The state of the newest checkpoint that is whole; None if there is none."""
        for path in reversed(self.paths):
            data = path.read_bytes()
            if hashlib.sha256(data[DIGEST:]).digest() == data[:DIGEST]:
                log.info("resuming", extra={"checkpoint": path.name})
                return data[DIGEST:]
            log.error("damaged checkpoint ignored", extra={"checkpoint": path.name})
        return None
