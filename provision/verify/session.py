"""One pytest session inside this process that leaves no trace of itself."""

from __future__ import annotations

import contextlib
import io
import os
import warnings
from collections.abc import Callable, Collection, Iterator, Sequence
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

from provision.errors import ProvisionError, UsageError
from provision.verify.demand import UnmetError
from provision.verify.hosts import Hosts
from provision.verify.items import by_host, choose, node_of, sentence_of, suite_of
from provision.verify.target import Check, Target

SUITES = Path(__file__).with_name("suites")

# Everything of pytest that would write files, touch streams or cost time for nothing here.
_WITHOUT = (
    "cacheprovider",
    "debugging",
    "doctest",
    "faulthandler",
    "junitxml",
    "logging",
    "pastebin",
    "setuponly",
    "setupplan",
    "stepwise",
    "terminal",
    "threadexception",
    "unittest",
    "unraisableexception",
    "warnings",
)
_OF_PYTEST = ("PYTEST_ADDOPTS", "PYTEST_PLUGINS")  # meant for the user's own pytest
_WORST_FIRST = ("failed", "skipped", "passed")
_OUTPUT_LINES = 10  # of what a failing test printed


def run_session(
    targets: Sequence[Target],
    paths: Sequence[Path],
    *,
    tags: Collection[str],
    names: Collection[str],
    parallel: int,
    on_check: Callable[[Check], None],
    collect_only: bool = False,
) -> None:
    """Run our suites and those at ``paths`` on the targets, or only see what there is to run.

    The arguments are those of ``verify``.
    """
    recorder = _Recorder(Hosts(targets, names, parallel), frozenset(tags), on_check)
    options = ["--collect-only"] if collect_only else []
    with _undisturbed(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        code = pytest.main([*_arguments(paths), *options], plugins=[recorder.hosts, recorder])
    recorder.raise_problem()
    if code not in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED):
        raise ProvisionError(f"no check was run: pytest ended with {code}")


def _arguments(paths: Sequence[Path]) -> list[str]:
    given = [str(path.absolute()) for path in paths]
    directories = [str(path if path.is_dir() else path.parent) for path in map(Path, given)]
    return [
        str(SUITES),
        *given,
        f"--rootdir={SUITES}",
        f"--config-file={os.devnull}",
        f"--confcutdir={os.path.commonpath(directories or [str(SUITES)])}",
        "--import-mode=importlib",  # leaves sys.path alone
        "--capture=no",
        # rewriting is for tests with bare asserts, and costs time on every start
        *(["--assert=plain"] if not paths else []),
        "--disable-plugin-autoload",
        *(word for name in _WITHOUT for word in ("-p", f"no:{name}")),
    ]


@contextlib.contextmanager
def _undisturbed() -> Iterator[None]:
    """Keep settings for the user's own pytest away from ours."""
    kept = {name: os.environ.pop(name) for name in _OF_PYTEST if name in os.environ}
    try:
        yield
    finally:
        os.environ.update(kept)


class _Recorder:
    """Turns what pytest reports into checks."""

    def __init__(
        self, hosts: Hosts, tags: frozenset[str], on_check: Callable[[Check], None]
    ) -> None:
        self.hosts = hosts
        self._tags = tags
        self._on_check = on_check
        self._order = list(hosts.all)
        self._problem: BaseException | None = None
        self._phases: list[tuple[pytest.TestReport, BaseException | None]] = []
        self._printed = io.StringIO()

    def raise_problem(self) -> None:
        """Raise what ended the session early."""
        if self._problem is not None:
            raise self._problem

    # -- before -----------------------------------------------------------------------------

    @pytest.hookimpl(wrapper=True)
    def pytest_make_collect_report(self, collector: pytest.Collector) -> Any:
        """Remember a file that is no test file."""
        report: pytest.CollectReport = yield
        if report.failed and self._problem is None:
            self._problem = UsageError(
                f"the checks in {collector.path} cannot be read",
                hint="\n    ".join(_reason(str(report.longrepr))),
            )
        return report

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Take the tests that are tagged as asked, host by host."""
        try:
            items[:] = by_host(choose(items, self._tags), self._order)
        except UsageError as error:
            self._problem = error
            items.clear()

    # -- a test -----------------------------------------------------------------------------

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Any:
        """Emit the check when the test is over."""
        self._phases.clear()
        self._printed = io.StringIO()
        done = yield
        self._on_check(self._check(item))
        return done

    @pytest.hookimpl(wrapper=True)
    def pytest_pyfunc_call(self) -> Any:
        """Keep what a test prints out of the caller's output."""
        out = self._printed
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(out):
            return (yield)

    @pytest.hookimpl(wrapper=True)
    def pytest_fixture_setup(self) -> Any:
        """Likewise for fixtures."""
        out = self._printed
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(out):
            return (yield)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self, call: pytest.CallInfo[None]) -> Any:
        """Note how a phase of a test ended."""
        report: pytest.TestReport = yield
        error = call.excinfo.value if call.excinfo is not None else None
        self._phases.append((report, error))
        return report

    def pytest_keyboard_interrupt(self, excinfo: pytest.ExceptionInfo[BaseException]) -> None:
        """Let Ctrl-C be Ctrl-C, and ``pytest.exit`` an error."""
        error = excinfo.value
        self._problem = self._problem or (  # after a file that cannot be read, pytest ends so
            KeyboardInterrupt()
            if isinstance(error, KeyboardInterrupt)
            else UsageError(f"a check ended the verification: {error}")
        )

    def pytest_internalerror(self, excinfo: pytest.ExceptionInfo[BaseException]) -> bool:
        """Raise our own errors where the caller sees them, instead of printing a traceback."""
        self._problem = excinfo.value
        return True

    # -- after ------------------------------------------------------------------------------

    def _check(self, item: pytest.Item) -> Check:
        node = node_of(item)
        report, error = min(self._phases, key=lambda phase: _WORST_FIRST.index(phase[0].outcome))
        parts = error if isinstance(error, UnmetError) else None
        return Check(
            host=node.name if node is not None else self._order[0],
            suite=suite_of(item),
            name=sentence_of(item),
            outcome=report.outcome,
            message=self._message(report, error),
            expected=parts.expected if parts else "",
            found=parts.found if parts else "",
            hint=parts.hint if parts else "",
            seconds=sum(report.duration for report, _ in self._phases),
        )

    def _message(self, report: pytest.TestReport, error: BaseException | None) -> str:
        if report.skipped:
            reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else ""
            return getattr(report, "wasxfail", "") or reason.removeprefix("Skipped: ")
        if not report.failed:
            return ""
        if isinstance(error, UnmetError):
            return str(error)
        printed = self._printed.getvalue().splitlines()[-_OUTPUT_LINES:]
        return "\n".join([_described(report, error), *printed])


def _reason(text: str) -> list[str]:
    """Return what matters of a file that cannot be read: the lines that pytest marks with E."""
    lines = [line for line in text.splitlines() if line.strip()]
    marked = [line[1:] for line in lines if line.startswith("E ")]
    return dedent("\n".join(marked or lines)).splitlines()[-_OUTPUT_LINES:]


def _described(report: pytest.TestReport, error: BaseException | None) -> str:
    """Return an error in words: ours as it is, another with its place in the user's file."""
    if isinstance(error, ProvisionError):
        return error.message
    crash = getattr(report.longrepr, "reprcrash", None)
    if crash is None:  # a fixture that does not exist
        path, line, _ = report.location
        return f"{(SUITES / path).resolve()}:{(line or 0) + 1}: {_reason(report.longreprtext)[0]}"
    place = f"{crash.path}:{crash.lineno}"
    text = str(error) if error is not None else report.longreprtext
    kind = "" if isinstance(error, AssertionError | None) else f"{type(error).__name__}: "
    return f"{place}: {kind}{text or 'the check failed'}"
