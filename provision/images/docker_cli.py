"""The ``docker`` command, which knows the user's contexts, credentials and builder."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable, Sequence
from typing import IO

from provision.errors import UsageError

_TIMEOUT = 60.0
_STOP_TIMEOUT = 10.0


def ensure_docker() -> None:
    """Make sure that there is a ``docker`` command and that a daemon answers it.

    Raises:
        UsageError: saying which of them is missing.

    """
    if shutil.which("docker") is None:
        raise UsageError(
            "there is no `docker` command on this machine, and images are built with it",
            hint="install Docker Engine: https://docs.docker.com/engine/install/",
        )
    done = _capture(["version", "--format", "{{.Server.Version}}"])
    if done.returncode:
        raise UsageError(
            f"no Docker daemon answers on this machine: {done.stderr.strip()}",
            hint="is it running, and are you in the group `docker`? `docker version` asks the same",
        )


def image_size(reference: str) -> int:
    """Return the size of a local image in bytes, 0 where Docker does not say."""
    done = _capture(["image", "inspect", "--format", "{{.Size}}", reference])
    size = done.stdout.strip()
    return int(size) if done.returncode == 0 and size.isdigit() else 0


def stream(arguments: Sequence[str], stdin: IO[bytes], on_line: Callable[[str], None]) -> int:
    """Run ``docker`` with ``arguments``, hand over each line that it prints, return its exit code.

    Ends the command when ``on_line`` raises, or Ctrl-C does.
    """
    process = subprocess.Popen(
        ["docker", *arguments],
        stdin=stdin,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    )
    with process:
        try:
            for line in process.stdout or ():
                on_line(line.rstrip("\n"))
        except BaseException:
            process.terminate()
            process.wait(_STOP_TIMEOUT)
            raise
    return process.returncode


def _capture(arguments: Sequence[str]) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(
            ["docker", *arguments], capture_output=True, text=True, timeout=_TIMEOUT, check=False
        )
    except subprocess.TimeoutExpired:
        raise UsageError(f"the Docker daemon does not answer within {_TIMEOUT:.0f} s") from None
