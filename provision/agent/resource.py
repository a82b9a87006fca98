"""The three parts of every resource, and what is made of them.

A resource is a small frozen declaration. ``expected()`` says how a part of the host should be,
``actual()`` how it is, ``fix(difference)`` makes the one the other. Plan, diff, apply and drift
detection are this module's ``converge`` with ``fix`` on or off, so a plan cannot differ from what
is applied. The idea is bundlewrap's.
"""

from __future__ import annotations

from typing import Any, Dict, List, NamedTuple, Optional, Sequence

from provision.agent import pending_handlers
from provision.agent.declaration import Declaration
from provision.agent.failure import NotThereYet
from provision.agent.system import System

State = Dict[str, Any]  # property name -> JSON-like value
Data = Dict[str, Any]  # what a resource reports beside its state: return code, output, checksum


class Change(NamedTuple):
    """One property that is not as expected."""

    actual: Any
    expected: Any


Difference = Dict[str, Change]


class Resource(Declaration):
    """A part of a host, declared."""

    def expected(self, system: System) -> State:
        """Return the properties that this declaration asks for."""
        raise NotImplementedError

    def actual(self, system: System) -> State:
        """Return the same properties as they are on the host, without changing anything."""
        raise NotImplementedError

    def fix(self, system: System, difference: Difference) -> Optional[Data]:
        """Bring the differing properties to the expected state; may return data to report.

        Raises:
            Failure: when that is not possible. What was done until then is left consistent.

        """
        raise NotImplementedError


class Query(Declaration):
    """A question about the host, answered without changing anything."""

    given_up_when_alone = True

    def answer(self, system: System) -> Data:
        """Return the answer.

        Raises:
            Failure: when there is none, or not the one that was asked for.

        """
        raise NotImplementedError


class Outcome(NamedTuple):
    """What ``converge`` found and did."""

    status: str  # "ok", "changed" or "unknown"
    difference: Difference
    data: Data
    message: str = ""


def compare(expected: State, actual: State) -> Difference:
    """Return the properties of ``expected`` that ``actual`` does not have or has otherwise."""
    return {
        name: Change(actual.get(name), value)
        for name, value in expected.items()
        if name not in actual or actual[name] != value
    }


def converge(
    resource: Resource,
    system: System,
    *,
    check: bool,
    pending: bool,
    notify: Sequence[str] = (),
) -> Outcome:
    """Bring one resource to its expected state, or only tell what that would change.

    Args:
        resource: the declaration.
        system: the host.
        check: tell only.
        pending: in check mode, whether an earlier resource of the stream would change something,
            so that what is missing now may exist by then.
        notify: handlers that a change makes necessary; they are written down before it is made.

    """
    try:
        difference = compare(resource.expected(system), resource.actual(system))
    except NotThereYet as missing:
        if check and pending:
            return Outcome("unknown", {}, {}, missing.message)
        raise
    if not difference:
        return Outcome("ok", {}, {})
    if check:
        return Outcome("changed", difference, {})
    if notify:
        pending_handlers.add(system, notify)
    return Outcome("changed", difference, resource.fix(system, difference) or {})


def names(value: Any) -> List[str]:
    """Return a list of names from a list or from one name (Ansible accepts both, and commas)."""
    if isinstance(value, str):
        return [part.strip() for part in value.split(",") if part.strip()]
    return list(value)
