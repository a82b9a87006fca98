"""Instances that a run cannot count on: stopped, on their way there, or about to be interrupted."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from provision.aws import Access, AwsError, aws_for, explained
from provision.errors import UsageError
from provision.inventory.ec2.query import Found

_SHOWN = 10  # names; more would hide what else is said
_RUNNING = "running"
_GONE = "gone: EC2 no longer knows it"


def away(found: Found) -> str | None:
    """Return why an instance is left out, or None where it is not.

    Where the file's filters name states themselves, what they ask for is taken.
    """
    if found.marked is not None:
        return f"about to be interrupted ({found.marked})"
    state = str(found.instance["State"]["Name"])
    return None if state == _RUNNING or found.asked_state else state


def left_out(reason: str, names: list[str], source: str) -> str:
    """Return the notice of the instances that are left out for one reason."""
    more = len(names) - _SHOWN
    shown = ", ".join(names[:_SHOWN]) + (f" and {more} more" if more > 0 else "")
    return f"{source}: {reason}, left out: {shown}"


class Whereabouts:
    """Asks EC2, when a host does not answer, what has become of its instance.

    Args:
        access: whose account.
        forget: called when an instance no longer runs, so that nobody counts on it again.

    """

    def __init__(self, access: Access, forget: Callable[[], None]) -> None:
        self._access = access
        self._forget = forget
        self._is_deaf = False  # EC2 does not answer either; asking takes it long to say so

    def of(self, region: str, instance: str) -> str | None:
        """Return what has become of an instance; None where it runs, or nobody can tell."""
        if self._is_deaf:
            return None
        try:
            with explained("EC2"):
                state = _state_now(aws_for(self._access).client("ec2", region), instance)
        except UsageError as error:
            if not isinstance(error, AwsError) or "NotFound" not in error.code:
                self._is_deaf = True
                return None
            state = _GONE
        if state is None:
            return None
        self._forget()
        return f"its instance {instance} is {state}"


def _state_now(client: Any, instance: str) -> str | None:
    answer = client.describe_instances(InstanceIds=[instance])
    found = [one for each in answer["Reservations"] for one in each["Instances"]]
    if not found:
        return _GONE
    state, why = found[0]["State"]["Name"], _reason(found[0])
    if state == _RUNNING:
        return None
    return f"{state} ({why})" if why else str(state)


def _reason(instance: Mapping[str, Any]) -> str:
    reason = instance.get("StateReason", {}).get("Message")
    return str(reason or instance.get("StateTransitionReason") or "")
