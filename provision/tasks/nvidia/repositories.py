"""What is asked of a host's package repositories before a driver is decided upon."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any

from provision.agent.resources.survey import Survey

_TIMEOUT = 120.0  # seconds; dnf may fetch its metadata first
_UNKNOWN = 9  # exit code of a question that nobody can answer
_UPSTREAM = re.compile(r"(?:\d+:)?(\d{3}\.\d+(?:\.\d+)?)\b")

# Package lists that were never fetched say nothing about what there is.
_APT_HAS = (
    f"ls /var/lib/apt/lists/*_Packages* >/dev/null 2>&1 || exit {_UNKNOWN};"
    " apt-cache show --no-all-versions {name} >/dev/null 2>&1"
)
_DNF_HAS = "dnf -qy list --showduplicates {name} >/dev/null 2>&1"
_APT_VERSIONS = "apt-cache madison {name} | cut -d'|' -f2"
_DNF_VERSIONS = "dnf -qy repoquery --showduplicates --qf '%{{version}}\\n' {name}"


def has_packages(family: str, names: Sequence[str]) -> Survey:
    """Return the question whether the repositories have packages."""
    template = _APT_HAS if family == "debian" else _DNF_HAS
    return Survey(commands=[template.format(name=name) for name in names], timeout=_TIMEOUT)


def found(answer: Mapping[str, Any]) -> list[bool] | None:
    """Return the answers to ``has_packages``, None where they are not known."""
    codes = [done["rc"] for done in answer["commands"].values()]
    return None if _UNKNOWN in codes else [code == 0 for code in codes]


def versions_of(family: str, name: str) -> Survey:
    """Return the question which versions of a package the repositories have."""
    template = _APT_VERSIONS if family == "debian" else _DNF_VERSIONS
    return Survey(commands=[template.format(name=name)], timeout=_TIMEOUT)


def newest(answer: Mapping[str, Any], pattern: str) -> str:
    """Return the newest driver version of an answer that fits a pattern, "" where none does."""
    (done,) = answer["commands"].values()
    matches = filter(None, map(_UPSTREAM.match, done["stdout"].split()))
    fitting = [it.group(1) for it in matches if fnmatchcase(it.group(1), pattern)]
    return max(fitting, key=lambda version: [int(part) for part in version.split(".")], default="")
