"""What the actions of a playbook entry do: control the play, or become resources of the host."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from provision.agent.resource import Query, Resource
from provision.agent.resources.copy import Copy
from provision.engine.registered import Registered, result_values
from provision.playbook.model import TaskEntry
from provision.playbook.modules import build, converted, mode_of
from provision.playbook.parameters import parameters_of
from provision.tasks.host import Host, Judge
from provision.tasks.task import tasks
from provision.templating import Templater
from provision.transport.channel import Result

_INLINE = 65536  # bytes; a larger file travels only where its hash differs


@dataclass(frozen=True)
class Call:
    """One action about to be done on one host, its parameters rendered."""

    entry: TaskEntry
    label: str
    parameters: Mapping[str, Any]
    templater: Templater
    host: Host
    judge: Judge | None = None
    ignore_errors: bool = False
    no_log: bool = False
    check: bool | None = None
    environment: Mapping[str, str] = field(default_factory=dict)

    def apply(self, resource: Resource, content: Path | None = None) -> Registered:
        """Hand a resource to the host, as the entry's keywords say."""
        outcome = self.host.apply(
            resource,
            name=self.label,
            notify=self.entry.notify,
            content=content,
            ignore_errors=self.ignore_errors,
            check=self.check,
            no_log=self.no_log,
            environment=self.environment,
            judge=self.judge,
        )
        if self.judge is not None:
            outcome.wait()
        return Registered(outcome)

    def note(self, status: str, message: str = "", **data: Any) -> dict[str, Any]:
        """Report a result that was decided here."""
        result = Result(status, message=message, data=data)
        if self.judge is not None:
            result = self.judge(result)
        self.host.note(self.label, result, ignored=self.ignore_errors)
        return result_values(result)


Action = Callable[[Call], Mapping[str, Any]]


def perform(call: Call) -> Mapping[str, Any]:
    """Do an action and return what ``register`` remembers of it."""
    name = call.entry.action
    if name in _CONTROLS:
        return _CONTROLS[name](call)
    functions = tasks()
    if name in functions:
        parameters = converted(call.parameters, parameters_of(functions[name]), call.entry.where)
        with call.host.section(call.label):
            functions[name](call.host, **parameters)
        return {"changed": False, "failed": False, "skipped": False}
    return _declared(call)


def _declared(call: Call) -> Mapping[str, Any]:
    declaration = build(call.entry.action, call.parameters, call.entry.where)
    if isinstance(declaration, Query):
        answer = call.host.ask(declaration, name=call.label, no_log=call.no_log)
        return {"changed": False, "failed": False, "skipped": False, **answer}
    return call.apply(cast(Resource, declaration))


def _debug(call: Call) -> Mapping[str, Any]:
    if "var" in call.parameters:
        expression = str(call.parameters["var"])
        value = call.templater.render("{{ " + expression + " }}", call.entry.where)
        return call.note("ok", f"{expression}: {value}", **{expression: value})
    return call.note("ok", str(call.parameters.get("msg", "Hello world!")))


def _assert(call: Call) -> Mapping[str, Any]:
    conditions = call.parameters["that"]
    for condition in conditions if isinstance(conditions, list) else [conditions]:
        if not call.templater.test(condition, call.entry.where):
            message = call.parameters.get("fail_msg") or call.parameters.get("msg")
            return call.note("failed", str(message or f"assertion failed: {condition}"))
    return call.note("ok", str(call.parameters.get("success_msg", "all assertions passed")))


def _fail(call: Call) -> Mapping[str, Any]:
    return call.note("failed", str(call.parameters.get("msg", "failed as requested")))


def _set_fact(call: Call) -> Mapping[str, Any]:
    facts = {name: value for name, value in call.parameters.items() if name != "cacheable"}
    return {**call.note("ok"), "ansible_facts": facts}


def _template(call: Call) -> Mapping[str, Any]:
    path = call.templater.find(str(call.parameters["src"]), "templates")
    text = call.templater.render_file(path)
    return call.apply(Copy(content=text, **_file_fields(call, path)))


def _copy(call: Call) -> Mapping[str, Any]:
    if "src" not in call.parameters or call.parameters.get("remote_src"):
        return _declared(call)
    path = call.templater.find(str(call.parameters["src"]), "files")
    fields = _file_fields(call, path)
    content = path.read_bytes()
    if len(content) <= _INLINE and _is_text(content):
        return call.apply(Copy(content=content.decode(), **fields))
    digest = hashlib.sha256(content).hexdigest()
    return call.apply(Copy(sha256=digest, size=len(content), **fields), content=path)


def _file_fields(call: Call, source: Path) -> dict[str, Any]:
    """Return the fields that ``copy`` and ``template`` share; a directory takes the file's name."""
    given = call.parameters
    dest = str(given["dest"])
    fields: dict[str, Any] = {
        name: given[name]
        for name in ("owner", "group", "validate", "backup")
        if given.get(name) is not None
    }
    if given.get("mode") is not None:
        fields["mode"] = mode_of(given["mode"])
    fields["dest"] = dest + source.name.removesuffix(".j2") if dest.endswith("/") else dest
    return fields


def _is_text(content: bytes) -> bool:
    try:
        content.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return b"\0" not in content


_CONTROLS: dict[str, Action] = {
    "debug": _debug,
    "assert": _assert,
    "fail": _fail,
    "set_fact": _set_fact,
    "template": _template,
    "copy": _copy,
}
