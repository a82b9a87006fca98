"""Verification as part of a run: over the links that are open already, seen as tasks."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from provision.agent.resource import Query
from provision.agent.resources.execute import Execute
from provision.errors import ExitCode, TaskError, UnreachableError
from provision.transport.result import Result
from provision.verify.runner import Check, Completed, Target, require_runnable, verify

if TYPE_CHECKING:
    from provision.engine.run import Run

_STATUS = {"passed": "ok", "failed": "failed", "skipped": "skipped"}


def verify_hosts(
    run: Run,
    hosts: Sequence[str],
    *,
    tags: Collection[str] = (),
    paths: Sequence[Path] = (),
    junit: Path | None = None,
) -> ExitCode:
    """Check hosts of a run as a phase of it, and return what that and the run amount to.

    Args:
        run: reaches them.
        hosts: those that nothing has failed on.
        tags, paths, junit: see ``verify``.

    """
    before = run.exit_code()
    checks: list[Check] = []
    names = {*run.inventory.hosts, *run.inventory.groups}
    targets = [target_of(run, name) for name in hosts]
    require_runnable(targets, tags=tags, paths=paths, names=names, junit=junit)

    def work() -> str:
        run.fleet.run(hosts, lambda name: _open(run, name))
        checks.extend(
            verify(
                [target for target in targets if not run.is_out(target.name)],
                tags=tags,
                paths=paths,
                names=names,
                lost={name: str(it) for name, it in run.fleet.lost.items() if name in hosts},
                junit=junit,
                on_check=lambda check: show(run, check),
                parallel=run.options.forks,
                mask=run.mask,
            )
        )
        passed = sum(check.outcome == "passed" for check in checks)
        return f"{passed}/{sum(check.outcome != 'skipped' for check in checks)} checks"

    run.phase("verify", hosts, work)
    if before is not ExitCode.OK:
        return before
    if run.failed:
        return ExitCode.UNVERIFIED
    return ExitCode.UNREACHABLE if run.fleet.lost else ExitCode.OK


def _open(run: Run, name: str) -> None:
    run.fleet.link(name).channel("root")


def target_of(run: Run, name: str) -> Target:
    """Return a host of the run as the checks see it: commands and queries run there as root.

    Its connection is opened when it is first asked something.
    """

    def ask(query: Query) -> Mapping[str, Any]:
        channel = run.fleet.link(name).channel("root")
        future = channel.submit(query, keep_going=True)
        channel.flush()
        try:
            result = future.result()
        except UnreachableError as error:
            if not run.is_out(name):
                run.fleet.lose(name, error)
            raise
        if result.status != "ok":
            raise TaskError(f"host {name}: {result.message}", hint=result.hint)
        return result.data

    def execute(command: str) -> Completed:
        answer = ask(Execute(command=command))
        return Completed(answer["rc"], answer["stdout"], answer["stderr"])

    return Target(
        name=name,
        groups=run.inventory.hosts[name].groups,
        variables=run.host(name).variables,
        execute=execute,
        ask=ask,
    )


def show(run: Run, check: Check) -> None:
    """Report a check like a task of its host; one that failed counts against the host."""
    if check.host in run.fleet.lost:
        return  # that was reported when it was lost
    if check.outcome == "failed":
        run.failed.setdefault(check.host, f"{check.name}: {check.message}")
    message, *log = [""] if check.expected else check.message.splitlines() or [""]
    result = Result(
        _STATUS[check.outcome],
        message=message,
        log=tuple(log),
        expected=check.expected,
        found=check.found,
        hint=check.hint,
        seconds=check.seconds,
    )
    run.host(check.host).note(f"{check.suite}: {check.name}", result)
