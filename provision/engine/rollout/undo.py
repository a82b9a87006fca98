"""After a failed or interrupted rollout of a role: back to what ran before, and the truth about it.

A host that has the new release already goes back to the one that it replaced; one whose switch
failed gets its current release, which the link never left, started again. Where there was none,
the broken containers are stopped and kept, with their logs. Hosts whose turn had not come are not
touched.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial

from provision.agent.resources.compose_stop import ComposeStop
from provision.agent.resources.history import History
from provision.engine.locking import lock
from provision.engine.rollout.going_back import RoleState, go_to, roles_on
from provision.engine.run import Run
from provision.errors import ProvisionError, UnreachableError
from provision.playbook.model import Play
from provision.stack.roles import ROLES
from provision.tasks.host import Host
from provision.tasks.manner import Manner

_LOCK_WAIT = 90.0  # seconds that an agent whose connection was lost may still be at work
_PATIENCE = 60.0  # seconds for a host that was lost to come back: it may be booting
_RETRY = 2.0  # seconds
_TRIES = 2  # that may fail on a host


@dataclass
class _Outcome:
    """What became of the hosts, each in one of the lists or mappings."""

    back: list[str] = field(default_factory=list)
    stopped: list[str] = field(default_factory=list)
    first: list[str] = field(default_factory=list)
    stuck: dict[str, str] = field(default_factory=dict)
    other_roles: set[str] = field(default_factory=set)


def roles_in(play: Play) -> list[str]:
    """Return the roles that a play rolls out, in its order."""
    entries = (*play.pre_tasks, *play.tasks, *play.post_tasks)
    named = [it.parameters.get("role") for it in entries if it.action == "compose_project"]
    return [role for role in named if role in ROLES] if named else []


def undo(run: Run, play: Play, attempted: Sequence[str], untouched: Sequence[str]) -> None:
    """Bring the hosts that a play has been working on back, and add what is so now to the notes.

    Args:
        run: in which it failed.
        play: which failed.
        attempted: hosts of the batches that had begun.
        untouched: the others.

    """
    for role in reversed(roles_in(play)):
        outcome = _Outcome()
        work = partial(_work, run, attempted, role, outcome)
        run.phase(f"undo {role}", attempted, work)
        run.notes += _told(role, outcome, untouched)


def _work(run: Run, hosts: Sequence[str], role: str, outcome: _Outcome) -> str:
    run.fleet.run_on(hosts, lambda name: _put_back(run, name, role, outcome))
    return f"{len(hosts) - len(outcome.stuck)}/{len(hosts)} put back"


def _put_back(run: Run, name: str, role: str, outcome: _Outcome) -> None:
    """Undo a role on one host, again if need be: it may be booting, or its Docker starting."""
    lost = run.fleet.lost.pop(name, None)
    deadline = time.monotonic() + _PATIENCE
    failures = 0
    while True:
        if lost is not None:
            run.fleet.reopen(name)
        try:
            return _undo_role(run, _reached(run, name), role, outcome)
        except UnreachableError as error:
            problem, lost = error.message, lost or error
            is_over = time.monotonic() > deadline
        except ProvisionError as error:
            problem, failures = error.message, failures + 1
            is_over = failures == _TRIES
        if is_over:
            break
        run.fleet.pause(_RETRY)
    outcome.stuck[name] = problem
    if lost is not None:
        run.fleet.lost[name] = lost


def _reached(run: Run, name: str) -> Host:
    """Return a host that answers: its agent goes on, or another one takes its place.

    The other one has to wait for the lock until the first has ended what it was at.
    """
    run.fleet.link(name).channel("root").resume()
    host = run.host(name)
    lock(run, host, "deploy", _LOCK_WAIT)
    return host


def _undo_role(run: Run, host: Host, role: str, outcome: _Outcome) -> None:
    states = roles_on(host)
    outcome.other_roles |= {it for it in states if it != role and _replaced(states[it], run.id)}
    state = states.get(role)
    became = outcome.back
    if state is not None and state.project is not None:  # else it had not begun
        _record_failure(run, host, state)
        switched = _replaced(state, run.id)
        if switched == "":
            became = outcome.first
        elif switched or state.current:
            go_to(host, state, switched or state.current, "undo")
        else:
            stop = ComposeStop(project=state.project)
            host.apply(stop, name="stop what is broken, keep its logs")
            became = outcome.stopped
        host.settle()
    became.append(host.name)


def _replaced(state: RoleState, run: str) -> str | None:
    """Return what this run has replaced on the host, "" for nothing, None where it did not.

    Where it has switched and could not write that down, the release itself says who made it.
    """
    last = state.history[-1] if state.history else {}
    if last.get("run") == run and last.get("action") == "deploy":
        return last.get("replaced") or ""
    if state.releases.get(state.current, {}).get("run") == run:
        return state.past[-2] if len(state.past) > 1 else ""
    return None


def _record_failure(run: Run, host: Host, state: RoleState) -> None:
    if host.name not in run.failed:
        return
    made = [it["release"] for it in state.releases.values() if it["run"] == run.id]
    entry = {
        **run.info.entry("failed"),
        "role": state.role,
        "release": made[-1] if made else None,
        "message": run.mask(run.failed[host.name])[:300],
    }
    # A full disk, say, must not keep the host from going back.
    host.submit(History(entry=entry), Manner(ignore_errors=True), name="history")


def _told(role: str, outcome: _Outcome, untouched: Sequence[str]) -> list[str]:
    """Return what is so now, for the person who has to decide what to do next."""
    parts = []
    if outcome.back:
        parts.append(f"{_are(outcome.back)} back on the release of {role} from before")
    if outcome.stopped:
        parts.append(
            f"{', '.join(outcome.stopped)} had none before: what is broken is stopped,"
            " and its logs are kept (docker logs)"
        )
    if outcome.first:
        parts.append(f"{_are(outcome.first)} well on the first release, which stays")
    if untouched:
        parts.append(f"{', '.join(untouched)} {_was(untouched)} not touched")
    lines = [f"undone    {'; '.join(parts)}"] if parts else []
    lines += [
        f"mixed     {name} could not be put back: {why}" for name, why in outcome.stuck.items()
    ]
    if outcome.other_roles:
        named = ", ".join(sorted(outcome.other_roles))
        lines.append(f"kept      {named}: the new release is well and stays (provision rollback)")
    return [*lines, "next      mend it and deploy again; provision history tells what runs where"]


def _are(names: Sequence[str]) -> str:
    return f"{', '.join(sorted(names))} {'is' if len(names) == 1 else 'are'}"


def _was(names: Sequence[str]) -> str:
    return "was" if len(names) == 1 else "were"
