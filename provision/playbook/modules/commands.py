"""Modules that run programs."""

from __future__ import annotations

import shlex

from provision.agent.declaration import Declaration
from provision.agent.resources import load
from provision.errors import UsageError
from provision.playbook.modules.module import (
    FREE_TEXT,
    Module,
    Parameters,
    flag,
    path,
    several,
    text,
)


def _command(given: Parameters) -> Declaration:
    fields = _with_stdin(given)
    line = fields.pop("cmd", None)
    if (line is None) == ("argv" not in fields):
        raise UsageError("`command` needs a command, as text or as `argv`")
    if line is not None:
        try:
            fields["argv"] = shlex.split(line)
        except ValueError as error:
            raise UsageError(f"{line!r} is no command: {error}".lower()) from None
    fields["argv"] = [str(word) for word in fields["argv"]]
    declaration: Declaration = load("Command")(**fields)
    return declaration


def _shell(given: Parameters) -> Declaration:
    fields = _with_stdin(given)
    if not fields.get("cmd"):
        raise UsageError("`shell` needs a command")
    declaration: Declaration = load("Command")(shell=fields.pop("cmd"), **fields)
    return declaration


def _with_stdin(given: Parameters) -> Parameters:
    """Return the parameters, with a newline at the end of ``stdin``, as Ansible adds one."""
    fields = dict(given)
    newline = fields.pop("stdin_add_newline", True)
    if "stdin" in fields and newline and not fields["stdin"].endswith("\n"):
        fields["stdin"] += "\n"
    return fields


_COMMON = {
    "cmd": FREE_TEXT,
    "creates": path(),
    "removes": path(),
    "chdir": path(),
    "stdin": text(),
    "stdin_add_newline": flag(),
}

COMMANDS = {
    "command": Module({**_COMMON, "argv": several()}, _command),
    "shell": Module({**_COMMON, "executable": path()}, _shell),
}
