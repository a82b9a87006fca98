"""Check mode for what cannot be planned: waiting."""

from __future__ import annotations

from dataclasses import replace

from provision.agent.declaration import Declaration
from provision.agent.resources.wait_for import WaitFor
from provision.transport.result import Result


def waits(declaration: Declaration) -> bool:
    """Tell whether a declaration waits for something that a plan does not bring about."""
    return isinstance(declaration, WaitFor)


def looked_at_once(declaration: Declaration) -> Declaration:
    """Return the same question, asked only once."""
    return type(declaration)(**{**declaration.fields(), "timeout": 0, "delay": 0})


def not_yet(result: Result) -> Result:
    """Return what a plan can say of it: well already, or unknown until applied."""
    if result.status != "failed":
        return result
    return replace(result, status="unknown", message=f"would wait: {result.found}", hint="")
