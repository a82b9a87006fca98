"""Instances that a run cannot count on: stopped, on their way there, or about to be interrupted."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from provision.aws import Access, AwsError, aws_for, explained
from provision.errors import UsageError
from provision.inventory.ec2.query import Found

_SHOWN = 10  # names; more would hide what else is said
_RUNNING = "running"


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


def absence(
    access: Access, region: str, instance: str, forget: Callable[[], None]
) -> Callable[[], str | None]:
    """Return what asks EC2, when a host does not answer, what has become of its instance.

    Args:
        access: whose account.
        region: where it was.
        instance: its id.
        forget: called when it no longer runs, so that nobody counts on it again.

    """

    def ask() -> str | None:
        try:
            with explained("EC2"):
                state = _state_now(aws_for(access).client("ec2", region), instance)
        except UsageError as error:
            if not isinstance(error, AwsError) or "NotFound" not in error.code:
                return None  # the host does not answer, and AWS neither: nothing to add
            state = "gone: EC2 no longer knows it"
        if state is None:
            return None
        forget()
        return f"its instance {instance} is {state}"

    return ask


def _state_now(client: Any, instance: str) -> str | None:
    answer = client.describe_instances(InstanceIds=[instance])
    found = [one for each in answer["Reservations"] for one in each["Instances"]]
    if not found:
        return "gone: EC2 no longer knows it"
    state, why = found[0]["State"]["Name"], _reason(found[0])
    if state == _RUNNING:
        return None
    return f"{state} ({why})" if why else str(state)


def _reason(instance: Mapping[str, Any]) -> str:
    reason = instance.get("StateReason", {}).get("Message")
    return str(reason or instance.get("StateTransitionReason") or "")
