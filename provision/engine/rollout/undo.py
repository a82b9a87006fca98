"""After a failed or interrupted rollout: back to what ran before, and the truth about it.

The role that failed goes back first. A host that has its new release already goes back to the one
that it replaced; one whose switch failed gets its current release, which the link never left,
started again. Where there was none, the broken containers are stopped and kept, with their logs.
Hosts whose turn had not come are not touched. Then the roles before it go back, the last one first,
where this run has switched them: their releases belong together. What is well and has nothing from
before stays.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from functools import partial

from provision.agent.resources.compose_stop import ComposeStop
from provision.agent.resources.history import History
from provision.engine.play.turn import Turn
from provision.engine.rollout.going_back import RoleState, go_to, roles_on
from provision.engine.rollout.undone import Undone
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
_NEXT = "next      mend it and deploy again; provision history tells what runs where"

_UndoRole = Callable[[Run, Host, Undone], None]


def roles_in(play: Play) -> list[str]:
    """Return the roles that a play rolls out, in its order."""
    entries = (*play.pre_tasks, *play.tasks, *play.post_tasks)
    named = [it.parameters.get("role") for it in entries if it.action == "compose_project"]
    return [role for role in named if role in ROLES] if named else []


def undo(run: Run, turns: Sequence[Turn]) -> None:
    """Bring back what a run has switched, and add what is so now to its notes.

    Args:
        run: in which the last one of ``turns`` has failed, or was interrupted.
        turns: the plays that have had theirs, in order.

    """
    *earlier, failed = turns
    given_up = _undo_turn(run, failed, failed.attempted, failed.untouched)
    roles = [role for turn in reversed(earlier) for role in reversed(roles_in(turn.play))]
    switched = [role for role in dict.fromkeys(roles) if run.info.switched.get(role)]
    if switched and run.options.keep_roles:
        named = ", ".join(sorted(switched))
        run.notes.append(f"kept      {named}: what is new there is well (provision rollback)")
        switched = []
    for role in switched:
        given_up |= _undo(run, role, sorted(run.info.switched[role] - given_up), (), _go_back)
    _say_what_next(run)


def undo_some(run: Run, turn: Turn, hosts: Sequence[str]) -> None:
    """Bring back what a play has switched on a few hosts that failed, while the run goes on."""
    _undo_turn(run, turn, hosts, ())
    if roles_in(turn.play):
        _say_what_next(run)


def _say_what_next(run: Run) -> None:
    """Say it once, after all that was undone: several batches may have failed, one by one."""
    run.notes[:] = [note for note in run.notes if note != _NEXT]
    run.notes.append(_NEXT)


def _undo_turn(run: Run, turn: Turn, hosts: Sequence[str], untouched: Sequence[str]) -> set[str]:
    given_up: set[str] = set()
    for role in reversed(roles_in(turn.play)):
        left = [host for host in hosts if host not in given_up]
        given_up |= _undo(run, role, left, untouched, _mend)
    return given_up


def _undo(
    run: Run, role: str, hosts: Sequence[str], untouched: Sequence[str], way: _UndoRole
) -> set[str]:
    """Do it for one role, on all hosts at the same time; return those that cannot be reached."""
    undone = Undone(role)

    def work() -> str:
        run.fleet.run_on(hosts, partial(_put_back, run, undone, way))
        return f"{len(hosts) - len(undone.stuck)}/{len(hosts)} put back"

    # A host that has failed is out of the run, and may nevertheless have gone back as it should.
    run.phase(f"undo {role}", hosts, work, is_bad=undone.stuck.__contains__)
    run.notes += undone.told(untouched)
    return {host for host in undone.stuck if host in run.fleet.lost}


def _put_back(run: Run, undone: Undone, way: _UndoRole, name: str) -> None:
    """Undo a role on one host, again if need be: it may be booting, or its Docker starting."""
    lost = run.fleet.lost.pop(name, None)
    deadline = time.monotonic() + _PATIENCE
    failures = 0
    while True:
        if lost is not None:
            run.fleet.reopen(name)
        try:
            return way(run, _reached(run, name), undone)
        except UnreachableError as error:
            problem, lost = error.message, lost or error
            is_over = time.monotonic() > deadline
        except ProvisionError as error:
            problem, failures = error.message, failures + 1
            is_over = failures == _TRIES
        if is_over:
            break
        run.fleet.pause(_RETRY)
    undone.stuck[name] = problem
    if lost is not None:
        run.fleet.lost[name] = lost


def _reached(run: Run, name: str) -> Host:
    """Return a host that answers: its agent goes on, or another one takes its place.

    The other one has to wait for the lock until the first has ended what it was at.
    """
    run.fleet.link(name).channel("root").resume()
    host = run.host(name)
    run.locks.take(host, _LOCK_WAIT)
    return host


def _mend(run: Run, host: Host, undone: Undone) -> None:
    """Bring a host back on which the role is broken, or may be; nothing where it had not begun."""
    state = roles_on(host).get(undone.role)
    if state is None or state.project is None:
        return
    became = undone.back
    _record_failure(run, host, state)
    switched = _replaced(state, run.id)
    if switched == "":
        became = undone.first
    elif switched or state.current:
        go_to(host, state, switched or state.current, "undo")
    else:
        stop = ComposeStop(project=state.project)
        host.apply(stop, name="stop what is broken, keep its logs")
        became = undone.stopped
    host.settle()
    became.append(host.name)


def _go_back(run: Run, host: Host, undone: Undone) -> None:
    """Bring a host back on which the role is well, on a release of this run's."""
    state = roles_on(host).get(undone.role)
    switched = None if state is None else _replaced(state, run.id)
    if state is None or switched is None:
        return  # it has gone back before, when it was this role that failed there
    if switched:
        go_to(host, state, switched, "undo")
        host.settle()
    (undone.back if switched else undone.first).append(host.name)


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
