"""How a resource is to be carried out: what is said beside the resource itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from provision.transport.result import Result


@dataclass(frozen=True, kw_only=True)
class Manner:
    """What the keywords of a playbook's task, or a Python task's arguments, ask for.

    Args:
        notify: handlers to run at the end of the section, should something change.
        ignore_errors: go on after a failure.
        check: only tell what would change; None is as the run says.
        no_log: show and record nothing of what the resource holds.
        environment: variables for the programs that it runs.

    """

    notify: tuple[str, ...] = ()
    ignore_errors: bool = False
    check: bool | None = None
    no_log: bool = False
    environment: Mapping[str, str] = field(default_factory=dict)

    def within(self, outer: Manner) -> Manner:
        """Return this manner for something that is part of a task carried out in another one."""
        return Manner(
            notify=(*outer.notify, *self.notify),
            ignore_errors=self.ignore_errors or outer.ignore_errors,
            check=outer.check if self.check is None else self.check,
            no_log=self.no_log or outer.no_log,
            environment={**outer.environment, **self.environment},
        )

    def shown(self, result: Result) -> Result:
        """Return what may be shown of a result."""
        if not self.no_log:
            return result
        message = "failed; no_log hides why" if result.status == "failed" else ""
        return replace(
            result, message=message, changes={}, data={}, log=(), expected="", found="", hint=""
        )
