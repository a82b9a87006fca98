"""Where files come from: the user's project directory first, then the packaged defaults."""

from __future__ import annotations

from pathlib import Path

from provision.errors import UsageError

_PACKAGE = Path(__file__).parent


def defaults_root() -> Path:
    """Return the directory holding the shipped ``templates/``, ``playbooks/``, ``docker/``, …

    In a wheel that is ``provision/defaults``; in a checkout, the repository's top level.
    """
    shipped = _PACKAGE / "defaults"
    return shipped if shipped.is_dir() else _PACKAGE.parent


def search_path(kind: str, project: Path | None = None) -> list[Path]:
    """Return the directories called ``kind`` to search, first match wins."""
    candidates = [(project or Path.cwd()) / kind, defaults_root() / kind]
    return list(dict.fromkeys(path for path in candidates if path.is_dir()))


def find(kind: str, name: str, project: Path | None = None) -> Path:
    """Return the file ``name`` of ``kind`` (``templates``, ``playbooks``, …).

    Raises:
        UsageError: naming every directory that was searched.

    """
    directories = search_path(kind, project)
    for directory in directories:
        candidate = directory / name
        if candidate.exists():
            return candidate
    searched = ", ".join(str(directory) for directory in directories) or "nothing"
    raise UsageError(f"there is no {kind.removesuffix('s')} {name!r} (searched {searched})")
