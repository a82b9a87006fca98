"""Headless Chromium: this machine's, or one installed on a lab host."""

from __future__ import annotations

import io
import shlex
import struct
import subprocess
import tarfile
import zlib
from collections.abc import Sequence
from pathlib import Path

_OPTIONS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--hide-scrollbars",
    "--enable-logging=stderr",
    "--window-size=1280,1000",
)


class Browser:
    """A browser that is started anew for each page.

    Args:
        reach: what goes before a shell command so that it runs where the browser is.

    """

    def __init__(self, reach: Sequence[str] = ()) -> None:
        self._reach = reach

    def dom(self, directory: Path, page: str) -> tuple[str, list[str]]:
        """Return a page as it is once its scripts have run, and what it said to the console."""
        options = ("--allow-file-access-from-files", "--virtual-time-budget=10000", "--dump-dom")
        out, err = self._run(directory, (*options, page))
        said = [line for line in err.splitlines() if "CONSOLE" in line]
        return out.decode(), said

    def screenshot(self, directory: Path, page: str, *, dark: bool) -> bytes:
        """Return a picture of a page, as PNG."""
        scheme = f"--blink-settings=preferredColorScheme={0 if dark else 1}"
        out, _ = self._run(directory, ("--screenshot=page.png", scheme, page), "cat page.png")
        return out

    def _run(self, directory: Path, arguments: Sequence[str], then: str = ":") -> tuple[bytes, str]:
        packed = io.BytesIO()
        with tarfile.open(fileobj=packed, mode="w") as archive:
            archive.add(directory, arcname=".")
        *options, page = arguments
        browser = shlex.join(["chromium", *_OPTIONS, *options])
        script = (
            'set -e; d=$(mktemp -d); trap "rm -rf $d" EXIT; cd $d; tar -x;'
            f" HOME=$d {browser} file://$d/{page}; {then}"
        )
        argv = [*self._reach, shlex.join(["sh", "-c", script])] if self._reach else []
        done = subprocess.run(
            argv or ["sh", "-c", script],
            input=packed.getvalue(),
            capture_output=True,
            timeout=120,
            check=True,
        )
        return done.stdout, done.stderr.decode("utf-8", "replace")

    @staticmethod
    def first_pixel(picture: bytes) -> tuple[int, int, int]:
        """Return the upper left pixel of a PNG: of its first row no filter can refer to another."""
        place, data = 8, b""
        while place < len(picture):
            (length,) = struct.unpack(">I", picture[place : place + 4])
            if picture[place + 4 : place + 8] == b"IDAT":
                data += picture[place + 8 : place + 8 + length]
            place += length + 12
        red, green, blue = zlib.decompress(data)[1:4]
        return red, green, blue
