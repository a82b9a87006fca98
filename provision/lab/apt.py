"""How this machine reaches Debian packages, so that the lab's images reach them the same way."""

from __future__ import annotations

import subprocess
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

DEFAULT_MIRROR = "http://deb.debian.org/debian"
DEFAULT_SECURITY_MIRROR = "http://deb.debian.org/debian-security"
KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"

_SUITES = ("bookworm", "trixie", "forky", "sid", "oldstable", "stable", "testing", "unstable")
# What decides whether a package can be had at all; everything else of the machine's is its own.
_SETTINGS = ("Acquire::http::Proxy", "Acquire::https::Proxy", "Acquire::Check-")


@dataclass(frozen=True)
class Mirrors:
    """The machine's two Debian archives."""

    main: str = DEFAULT_MIRROR
    security: str = DEFAULT_SECURITY_MIRROR

    def sources(self, release: str) -> str:
        """Return a deb822 sources file for ``release``."""
        signed = f"Components: main\nSigned-By: {KEYRING}\n"
        return (
            f"Types: deb\nURIs: {self.main}\nSuites: {release} {release}-updates\n{signed}\n"
            f"Types: deb\nURIs: {self.security}\nSuites: {release}-security\n{signed}"
        )


def machine_mirrors(root: Path = Path("/etc/apt")) -> Mirrors:
    """Return the mirrors of a Debian machine; of any other, Debian's own."""
    main: str | None = None
    security: str | None = None
    for uri, suite in _entries(root):
        if suite in _SUITES:
            main = main or uri
        elif suite.removesuffix("-security") in _SUITES:
            security = security or uri
    return Mirrors(main or DEFAULT_MIRROR, security or DEFAULT_SECURITY_MIRROR)


def _entries(root: Path) -> Iterator[tuple[str, str]]:
    """Yield each (URI, suite) of the machine's sources, in both of apt's formats."""
    files = [root / "sources.list", *sorted((root / "sources.list.d").glob("*"))]
    for file in files:
        if not file.is_file() or file.suffix not in {".list", ".sources"}:
            continue
        text = file.read_text(encoding="utf-8", errors="replace")
        yield from _deb822(text) if file.suffix == ".sources" else _one_line(text)


def _deb822(text: str) -> Iterator[tuple[str, str]]:
    for stanza in text.split("\n\n"):
        lines = (line for line in stanza.splitlines() if not line.startswith("#"))
        fields = {
            name.strip().lower(): value.split()
            for name, separator, value in (line.partition(":") for line in lines)
            if separator
        }
        if fields.get("enabled") == ["no"] or "deb" not in fields.get("types", []):
            continue
        for uri in fields.get("uris", []):
            for suite in fields.get("suites", []):
                yield uri, suite


def _one_line(text: str) -> Iterator[tuple[str, str]]:
    for line in text.splitlines():
        words = line.partition("#")[0].split("]")[-1].removeprefix("deb ").split()
        if line.startswith("deb ") and len(words) > 1:
            yield words[0], words[1]


def machine_settings() -> str:
    """Return apt.conf lines of this machine's proxies and date checks; none where apt is absent."""
    try:
        dump = subprocess.run(
            ["apt-config", "dump"], capture_output=True, text=True, timeout=20, check=True
        ).stdout
    except (OSError, subprocess.SubprocessError):
        return ""
    return settings(dump.splitlines())


def settings(dump: Iterable[str]) -> str:
    """Return those lines of ``apt-config dump`` that images need, too."""
    kept = (line for line in dump if line.startswith(_SETTINGS) and not line.endswith('"";'))
    return "".join(f"{line}\n" for line in kept)


def local_authorities(root: Path = Path("/usr/local/share/ca-certificates")) -> dict[str, bytes]:
    """Return the CA certificates that were added to this machine, by file name."""
    return {path.name: path.read_bytes() for path in sorted(root.glob("*.crt"))}
