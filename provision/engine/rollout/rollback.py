"""``provision rollback``: back to releases that the hosts have kept."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from functools import partial

from provision.engine.hooks import run_hook
from provision.engine.rollout.going_back import RoleState, States, go_to, kept, look
from provision.engine.run import Run
from provision.errors import ExitCode, UsageError, did_you_mean
from provision.stack.roles import ROLES

Targets = dict[str, dict[str, str]]  # host -> role -> release


def rollback(
    run: Run, hosts: Sequence[str], *, to: str | None = None, roles: Collection[str] = ()
) -> ExitCode | None:
    """Go back, the roles in the reverse order of a rollout, all hosts of a role at the same time.

    Args:
        run: reaches them.
        hosts: the targeted ones.
        to: a release, or a run: everything as it was after that. Without it the last deploy is
            undone: what it has replaced comes back, and what it left alone stays.
        roles: only these.

    Raises:
        UsageError: there is nothing to go back to.
        TaskError: a host has not kept its release; nothing is changed on any.

    """
    if not run.options.check and not run.locks.take_all(hosts, "rollback"):
        return None
    states = look(run, hosts, roles)
    if states is None:
        return None
    targets = _to(states, to) if to else _last_deploy(states)
    for host, chosen in targets.items():
        for role, release in chosen.items():
            kept(host, states[host][role], release)
    facts = {"TO": to or "", "ROLES": " ".join(_in_order(targets))}
    run_hook(run, "pre-rollback", hosts, facts)
    for role in _in_order(targets):
        concerned = [host for host in hosts if role in targets.get(host, {})]
        work = partial(_go, run, states, targets, role, concerned)
        if not run.phase(role, concerned, work):
            break
    code = run.exit_code()
    run_hook(run, "post-rollback", hosts, {**facts, "EXIT_CODE": str(int(code))})
    return code


def _go(run: Run, states: States, targets: Targets, role: str, hosts: Sequence[str]) -> None:
    run.each(
        hosts,
        lambda host: go_to(host, states[host.name][role], targets[host.name][role], "rollback"),
    )


def _in_order(targets: Targets) -> list[str]:
    """Return the roles: who asks goes before who is asked."""
    named = {role for roles in targets.values() for role in roles}
    return sorted(named, key=lambda role: (-ROLES.index(role) if role in ROLES else 0, role))


def _last_deploy(states: States) -> Targets:
    """Return what the last deploy that still counts has replaced."""
    made = {
        (host, role): entry
        for host, roles in states.items()
        for role, state in roles.items()
        if (entry := _arrival(state)) is not None
    }
    if not made:
        raise UsageError("these hosts have no release that a deploy has made")
    last = max(made.values(), key=lambda entry: (entry["at"], entry["run"]))["run"]
    targets: Targets = {}
    for (host, role), entry in made.items():
        past = states[host][role].past
        if entry["run"] == last and len(past) > 1:
            targets.setdefault(host, {})[role] = past[-2]
    if not targets:
        raise UsageError(
            f"the last deploy, run {last}, made the first releases: there is nothing before them",
            hint="provision destroy removes them",
        )
    return targets


def _arrival(state: RoleState) -> Mapping[str, str] | None:
    """Return the line of history in which a deploy made the current release the current one."""
    lines = [
        line
        for line in state.history
        if line["action"] == "deploy" and line["release"] == state.current
    ]
    return lines[-1] if lines and state.current else None


def _to(states: States, to: str) -> Targets:
    """Return the release ``to`` wherever it is kept, or all as it was after the run ``to``."""
    every = [(host, state) for host, roles in states.items() for state in roles.values()]
    targets: Targets = {}
    for host, state in every:
        if to in state.releases:
            targets.setdefault(host, {})[state.role] = to
    if targets:
        return targets
    runs: dict[str, str] = {}  # run -> when its last host was switched
    for line in (line for _, state in every for line in _switches(state)):
        runs[line["run"]] = max(line["at"], runs.get(line["run"], ""))
    if to not in runs:
        known = {*runs, *(release for _, state in every for release in state.releases)}
        raise UsageError(
            f"there is neither a release nor a run {to!r} on these hosts",
            hint=did_you_mean(to, known) or "provision history lists them",
        )
    for host, state in every:
        until = [line["release"] for line in _switches(state) if line["at"] <= runs[to]]
        if until:
            targets.setdefault(host, {})[state.role] = until[-1]
    return targets


def _switches(state: RoleState) -> list[Mapping[str, str]]:
    return [line for line in state.history if line["action"] in {"deploy", "rollback", "undo"}]
