"""Verification: our suites and the user's, on every host, over connections that are open."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType

from provision.errors import Location, UsageError
from provision.verify.junit import require_writable, write_junit
from provision.verify.target import Check, Completed, Target

__all__ = ["Check", "Completed", "Target", "require_runnable", "verify"]

_PARALLEL = 32


def require_runnable(
    targets: Sequence[Target],
    *,
    tags: Collection[str] = (),
    paths: Sequence[Path] = (),
    names: Collection[str] = (),
    junit: Path | None = None,
) -> None:
    """Find what is wrong with a request before any host is asked; for the arguments see ``verify``.

    Raises:
        UsageError: a path or tag does not exist, a test file cannot be read, or the JUnit report
            cannot be written.

    """
    for path in paths:
        if not path.exists():
            raise UsageError(
                "there are no checks here",
                where=Location(str(path)),
                hint="name a file of pytest tests of your own, or a directory of them",
            )
    if junit is not None:
        require_writable(junit)
    if targets and (tags or paths):
        from provision.verify.session import run_session

        run_session(
            targets,
            paths,
            tags=tags,
            names=names,
            parallel=1,
            on_check=lambda _: None,
            collect_only=True,
        )


def verify(
    targets: Sequence[Target],
    *,
    tags: Collection[str] = (),
    paths: Sequence[Path] = (),
    names: Collection[str] = (),
    lost: Mapping[str, str] = MappingProxyType({}),
    junit: Path | None = None,
    on_check: Callable[[Check], None] | None = None,
    parallel: int = _PARALLEL,
    mask: Callable[[str], str] = lambda text: text,
) -> list[Check]:
    """Check the targets and return the results, host by host in the order of ``targets``.

    A host whose connection is lost has one failed check that says so; its others are skipped.

    Args:
        targets: the hosts.
        tags: only checks of these subjects, roles or pytest marks.
        paths: the user's own test files, or directories of them, beside ours.
        names: hosts and groups that files may say they are about, beside the targets' own.
        lost: hosts that could not be reached, and why: one failed check each, of which the caller
            has told already.
        junit: where to write a JUnit report.
        on_check: told of each result at once.
        parallel: how many hosts are asked at the same time.
        mask: hides secrets in messages.

    Raises:
        UsageError: see ``require_runnable``.

    """
    checks = [
        Check(name, "connection", "The host can be reached", "failed", message=mask(why))
        for name, why in lost.items()
    ]

    def record(check: Check) -> None:
        masked = replace(
            check,
            message=mask(check.message),
            expected=mask(check.expected),
            found=mask(check.found),
            hint=mask(check.hint),
        )
        checks.append(masked)
        if on_check is not None:
            on_check(masked)

    if targets:
        from provision.verify.session import run_session

        run_session(targets, paths, tags=tags, names=names, parallel=parallel, on_check=record)
    if junit is not None:
        write_junit(junit, checks)
    return checks
