"""What to tell a person when the kernel refuses to read or write a file."""

from __future__ import annotations

import errno
import os

from provision.agent.failure import Failure


def file_failure(verb: str, path: str, error: OSError) -> Failure:
    """Return why a file could not be read or written, and what to do about it."""
    hints = {
        errno.ENOSPC: "free some space on that file system; the old file is as it was",
        errno.EDQUOT: "the disk quota is used up; the old file is as it was",
        errno.EROFS: "the file system is mounted read-only",
        errno.ENOENT: "create its directory first",
        errno.EACCES: "become root for it",
        errno.EPERM: "become root for it",
    }
    reason = os.strerror(error.errno or 0)
    return Failure(
        "cannot {} {}: {}".format(verb, path, reason), hint=hints.get(error.errno or 0, "")
    )
