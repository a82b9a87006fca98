"""What the action of a playbook entry comes to: results decided here, or resources for the host."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from provision.agent.declaration import Declaration
from provision.agent.resources.execute import Execute
from provision.engine.play.files import copied, rendered_file
from provision.engine.play.steps import Step
from provision.playbook.model import TaskEntry
from provision.playbook.modules import MODULES, build, converted
from provision.playbook.parameters import parameters_of
from provision.tasks.host import Host
from provision.tasks.manner import Manner
from provision.tasks.rebooting import Rebooting, reboot
from provision.tasks.task import tasks
from provision.templating import Templater
from provision.transport.result import Result

# These are expressions; rendering them first would evaluate what a host has said.
_EXPRESSIONS = {"assert": {"that"}, "debug": {"var"}}


@dataclass(frozen=True)
class Call:
    """One entry about to be done on one host, for one item of its loop."""

    entry: TaskEntry
    label: str
    templater: Templater
    host: Host
    manner: Manner = field(default_factory=Manner)
    verbosity: int = 0
    parameters: Mapping[str, Any] = field(default_factory=dict)

    def with_parameters(self) -> Call:
        """Return the call with the entry's parameters rendered and of the types they should have.

        Raises:
            UsageError: an undefined variable, or a value that does not fit.

        """
        entry, given = self.entry, self.entry.parameters
        expressions = _EXPRESSIONS.get(entry.action, set())
        templates = {name: value for name, value in given.items() if name not in expressions}
        rendered: Any = self.templater.render(templates, entry.where)
        taken = {name: given[name] for name in expressions if name in given}
        module = MODULES.get(entry.action)
        known = parameters_of(tasks()[entry.action]) if module is None else module.parameters
        return replace(self, parameters=converted({**rendered, **taken}, known, entry.where))


Decision = Callable[[Call], Result]
Plan = Callable[[Call], Sequence[Step]]


def act(call: Call) -> Result | Sequence[Step]:
    """Return what is to be done: nothing more, the result being known, or steps on the host."""
    if call.entry.action in _DECISIONS:
        return _DECISIONS[call.entry.action](call)
    return _PLANS.get(call.entry.action, _declared)(call)


def _declared(call: Call) -> Sequence[Step]:
    declaration: Declaration = build(call.entry.action, call.parameters, call.entry.where)
    return [Step(declaration)]


# -- decided here ---------------------------------------------------------------------------


def _debug(call: Call) -> Result:
    if call.parameters.get("verbosity", 0) > call.verbosity:
        return Result("skipped")
    if "var" not in call.parameters:
        message = call.parameters.get("msg", "Hello world!")
        return Result("ok", message=str(message), data={"msg": message})
    expression = str(call.parameters["var"]).strip().removeprefix("{{").removesuffix("}}").strip()
    value: object = "not defined"
    if call.templater.test(f"({expression}) is defined", call.entry.where):
        value = call.templater.render("{{ " + expression + " }}", call.entry.where)
    return Result("ok", message=f"{expression}: {value}", data={expression: value})


def _assert(call: Call) -> Result:
    conditions = call.parameters["that"]
    for condition in conditions if isinstance(conditions, list) else [conditions]:
        if not call.templater.test(condition, call.entry.where):
            message = call.parameters.get("fail_msg")
            return Result("failed", message=message or f"assertion failed: {condition}")
    return Result("ok", message=call.parameters.get("success_msg", "all assertions passed"))


def _fail(call: Call) -> Result:
    return Result("failed", message=call.parameters.get("msg", "failed as requested"))


def _set_fact(call: Call) -> Result:
    facts = {name: value for name, value in call.parameters.items() if name != "cacheable"}
    return Result("ok", data={"ansible_facts": facts})


def _ping(call: Call) -> Result:
    result = call.host.attempt(Execute(command=":"), call.manner, name=call.label)
    return replace(result, data={"ping": "pong"})


def _reboot(call: Call) -> Result:
    given = {_REBOOT_NAMES.get(name, name): value for name, value in call.parameters.items()}
    how = Rebooting(**given)
    return reboot(call.host, how, name=call.label, manner=call.manner)


_REBOOT_NAMES = {
    "msg": "message",
    "post_reboot_delay": "after",
    "pre_reboot_delay": "before",
    "reboot_command": "command",
    "reboot_timeout": "timeout",
}


_DECISIONS: dict[str, Decision] = {
    "assert": _assert,
    "debug": _debug,
    "fail": _fail,
    "ping": _ping,
    "reboot": _reboot,
    "set_fact": _set_fact,
}


# -- files of this machine ------------------------------------------------------------------


def _copy(call: Call) -> Sequence[Step]:
    if "src" not in call.parameters or call.parameters.get("remote_src"):
        return _declared(call)
    return copied(call.parameters, call.templater)


def _template(call: Call) -> Sequence[Step]:
    return [rendered_file(call.parameters, call.templater)]


_PLANS: dict[str, Plan] = {"copy": _copy, "template": _template}
