"""Modules for files and directories."""

from __future__ import annotations

import json
from typing import Any

from provision.agent.declaration import Declaration
from provision.agent.resources import load
from provision.errors import UsageError
from provision.playbook.modules.modes import with_mode
from provision.playbook.modules.module import (
    OWNERSHIP,
    PRESENT_OR_ABSENT,
    Declare,
    Module,
    Parameters,
    anything,
    flag,
    one_of,
    path,
    text,
    whole,
)
from provision.playbook.parameters import Parameter

_TIMES = one_of("preserve", "now")


def _chosen(parameters: Parameters, *names: str) -> Parameters:
    return {name: parameters[name] for name in names if name in parameters}


def _file(given: Parameters) -> Declaration:
    """Declare by ``state``; without one, whatever stands at the path is meant, as in Ansible."""
    given = with_mode(given)
    owned = _chosen(given, "path", "owner", "group", "mode")
    state = given.get("state", "directory" if given.get("recurse") else "file")
    match state:
        case "directory":
            return _declared("Directory", owned, recurse=given.get("recurse", False))
        case "link" | "hard":
            if "src" not in given:
                raise UsageError(f"`file` with `state: {state}` needs the parameter 'src'")
            link = _chosen(given, "path", "src", "force")
            return _declared("Link", link, hard=state == "hard")
        case "touch":
            times = {given.get("access_time", "now"), given.get("modification_time", "now")}
            return _declared("File", owned, state="touched", keep_times=times == {"preserve"})
        case "absent":
            return _declared("File", _chosen(given, "path"), state="absent")
    return _declared("File", owned)


def _declared(kind: str, fields: Parameters, **more: Any) -> Declaration:
    declaration: Declaration = load(kind)(**fields, **more)
    return declaration


def _copy(given: Parameters) -> Declaration:
    """Declare a content, or a copy of a file of the host; a mapping as content becomes JSON."""
    fields = with_mode(given)
    remote, content = fields.pop("remote_src", False), fields.get("content")
    source = fields.pop("src", None)
    if (source is None) == (content is None):
        raise UsageError("`copy` needs one of the parameters 'src' and 'content'")
    if content is not None and not isinstance(content, str):
        fields["content"] = json.dumps(content)
    if source is not None and remote:
        fields["remote_src"] = source
        fields["basename"] = source.rstrip("/").rpartition("/")[2]
    return _declared("Copy", fields)


def _edited(kind: str, needed: str) -> Declare:
    def declare(given: Parameters) -> Declaration:
        if given.get("state", "present") == "present" and needed not in given:
            raise UsageError(f"`{kind.lower()}` needs the parameter {needed!r}")
        return _declared(kind, with_mode(given))

    return declare


_EDITED = {
    "path": path("dest", "destfile", "name", required=True),
    "state": PRESENT_OR_ABSENT,
    "insertafter": text(),
    "insertbefore": text(),
    "create": flag(),
    "backup": flag(),
    "validate": text(),
    **OWNERSHIP,
}

FILES = {
    "file": Module(
        {
            "path": path("dest", "name", required=True),
            "state": one_of("absent", "directory", "file", "hard", "link", "touch"),
            "src": path(),
            "recurse": flag(),
            "force": flag(),
            "access_time": _TIMES,
            "modification_time": _TIMES,
            **OWNERSHIP,
        },
        _file,
    ),
    "copy": Module(
        {
            "src": path(),
            "content": anything(),
            "dest": path(required=True),
            "remote_src": flag(),
            "force": flag(),
            "follow": flag(),
            "backup": flag(),
            "validate": text(),
            **OWNERSHIP,
        },
        _copy,
    ),
    "template": Module(
        {
            "src": path(required=True),
            "dest": path(required=True),
            "force": flag(),
            "follow": flag(),
            "backup": flag(),
            "validate": text(),
            **OWNERSHIP,
        }
    ),
    "lineinfile": Module(
        {
            **_EDITED,
            "line": text("value"),
            "regexp": text("regex"),
            "search_string": text(),
            "backrefs": flag(),
            "firstmatch": flag(),
        },
        _edited("LineInFile", "line"),
    ),
    "blockinfile": Module(
        {
            **_EDITED,
            "block": text("content"),
            "marker": text(),
            "marker_begin": text(),
            "marker_end": text(),
            "append_newline": flag(),
            "prepend_newline": flag(),
        },
        lambda given: _declared("BlockInFile", with_mode(given)),
    ),
    "get_url": Module(
        {
            "url": text(required=True),
            "dest": path(required=True),
            "checksum": text(),
            "force": flag(),
            "headers": Parameter(type="dict"),
            "timeout": whole(),
            **OWNERSHIP,
        },
        lambda given: _declared("GetUrl", {"timeout": 10, **with_mode(given)}),
    ),
    "merge_json": Module(
        {
            "dest": path(required=True),
            "values": Parameter(type="dict", required=True),
            "lists": one_of("replace", "union"),
            "backup": flag(),
            "validate": text(),
            **OWNERSHIP,
        },
        lambda given: _declared("MergeJson", with_mode(given)),
    ),
}
