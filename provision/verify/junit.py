"""Checks as JUnit's XML, which every CI system reads: a test suite a host."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from xml.etree import ElementTree

from provision.errors import Location, UsageError
from provision.verify.target import Check


def require_writable(path: Path) -> None:
    """Make the directory of a report.

    Raises:
        UsageError: it cannot be written there.

    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _unwritable(path, error.strerror or str(error)) from None
    if path.is_dir() or not os.access(path.parent, os.W_OK):
        raise _unwritable(path, "it is a directory" if path.is_dir() else "permission denied")


def _unwritable(path: Path, why: str) -> UsageError:
    return UsageError(
        f"the report cannot be written: {why}",
        where=Location(str(path)),
        hint="name a file, such as report.xml; directories that are missing are made",
    )


def write_junit(path: Path, checks: Sequence[Check]) -> None:
    """Write ``checks`` to ``path``, whose directory exists.

    Raises:
        UsageError: it cannot be written.

    """
    root = ElementTree.Element("testsuites", {"name": "provision verify", **_counts(checks)})
    for host in dict.fromkeys(check.host for check in checks):
        of_host = [check for check in checks if check.host == host]
        suite = ElementTree.SubElement(root, "testsuite", {"name": host, **_counts(of_host)})
        for check in of_host:
            _add(suite, check)
    try:
        ElementTree.ElementTree(root).write(path, encoding="utf-8", xml_declaration=True)
    except OSError as error:
        raise _unwritable(path, error.strerror or str(error)) from None


def _counts(checks: Sequence[Check]) -> dict[str, str]:
    return {
        "tests": str(len(checks)),
        "failures": str(sum(check.outcome == "failed" for check in checks)),
        "errors": "0",
        "skipped": str(sum(check.outcome == "skipped" for check in checks)),
        "time": f"{sum(check.seconds for check in checks):.3f}",
    }


def _add(suite: ElementTree.Element, check: Check) -> None:
    case = ElementTree.SubElement(
        suite,
        "testcase",
        classname=f"{check.host}.{check.suite}",
        name=_printable(check.name),
        time=f"{check.seconds:.3f}",
    )
    if check.outcome == "failed":
        first = _printable(check.message.partition("\n")[0])
        ElementTree.SubElement(case, "failure", message=first).text = _printable(check.message)
    elif check.outcome == "skipped":
        ElementTree.SubElement(case, "skipped", message=_printable(check.message))


def _printable(text: str) -> str:
    """Replace what XML cannot hold: control characters and halves of surrogate pairs."""
    kept = (
        char if char.isprintable() or char in "\n\t" else "\N{REPLACEMENT CHARACTER}"
        for char in text
    )
    return "".join(kept)
