"""Our line and block edits against Ansible's own code, on many small random files."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NoReturn
from unittest.mock import patch

import pytest
from ansible.modules import blockinfile, lineinfile  # type: ignore[import-untyped]
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from provision.agent.failure import Failure
from provision.agent.resources import load
from tests.unit.agent.described import DescribedSystem

WORDS = st.sampled_from(["", "a", "b", "a=1", "a=2", "# a", "b a", "x", "BEGIN", "END"])
FILES = st.one_of(
    st.none(),
    st.builds(
        lambda lines, end: "\n".join(lines) + end, st.lists(WORDS), st.sampled_from(["", "\n"])
    ),
)
PATTERNS = st.sampled_from(["a", "^a=", "^(a)=(.)", "^#", "nothing", "^$", "x"])
ANCHORS = st.one_of(PATTERNS, st.sampled_from(["EOF", "BOF"]))


class ModuleFailed(Exception):
    pass


class ModuleDone(Exception):
    pass


class Module:
    """As much of ``AnsibleModule`` as an edit needs; attributes are left to the real one."""

    tmpdir = None
    check_mode = False
    _diff = False

    def __init__(self, directory: Path, params: dict[str, Any]) -> None:
        self.tmpdir = str(directory)
        self.params = params

    def fail_json(self, **result: Any) -> NoReturn:
        raise ModuleFailed(result["msg"])

    def exit_json(self, **result: Any) -> NoReturn:
        raise ModuleDone

    def atomic_move(self, source: str, dest: str, unsafe_writes: bool) -> None:
        Path(source).rename(dest)

    def load_file_common_arguments(self, params: dict[str, Any]) -> dict[str, Any]:
        return {}

    def set_fs_attributes_if_different(self, *_: Any, **__: Any) -> bool:
        return False

    set_file_attributes_if_different = set_fs_attributes_if_different

    def boolean(self, value: Any) -> bool:
        return bool(value)


@st.composite
def line_edits(draw: st.DrawFn) -> dict[str, Any]:
    fields: dict[str, Any] = {
        "state": draw(st.sampled_from(["present", "present", "absent"])),
        "line": draw(WORDS),
        "firstmatch": draw(st.booleans()),
        "create": draw(st.booleans()),
    }
    chosen = draw(st.sampled_from(["regexp", "search_string", "backrefs", "line"]))
    if chosen in ("regexp", "backrefs"):
        fields["regexp"] = draw(PATTERNS)
    if chosen == "backrefs":
        fields.update(regexp="^(a)=(.)", backrefs=True, line=r"\1 = \2")
    if chosen == "search_string":
        fields["search_string"] = draw(st.sampled_from(["a", "=", "zz"]))
    place = draw(st.sampled_from(["insertafter", "insertbefore", "none"]))
    if place != "none":
        fields[place] = draw(ANCHORS)
    return fields


@settings(max_examples=200, database=None, deadline=None, suppress_health_check=list(HealthCheck))
@given(content=FILES, fields=line_edits())
def test_line_in_file(tmp_path: Path, content: str | None, fields: dict[str, Any]) -> None:
    joins_lines = content and content[-1] != "\n" and fields.get("insertafter") not in (None, "EOF")
    assume(not joins_lines)  # Ansible glues the new line to an unfinished last one
    assert ours("LineInFile", content, fields) == ansibles_line(tmp_path, content, fields)


@st.composite
def block_edits(draw: st.DrawFn) -> dict[str, Any]:
    fields: dict[str, Any] = {
        "state": draw(st.sampled_from(["present", "present", "absent"])),
        "block": draw(st.sampled_from(["", "one", "one\ntwo\n"])),
        "create": draw(st.booleans()),
        "prepend_newline": draw(st.booleans()),
        "append_newline": draw(st.booleans()),
        "marker": "{mark}",
    }
    place = draw(st.sampled_from(["insertafter", "insertbefore", "none"]))
    if place != "none":
        fields[place] = draw(PATTERNS | st.just("EOF" if place == "insertafter" else "BOF"))
    return fields


@settings(max_examples=200, database=None, deadline=None, suppress_health_check=list(HealthCheck))
@given(content=FILES, fields=block_edits())
def test_block_in_file(tmp_path: Path, content: str | None, fields: dict[str, Any]) -> None:
    nothing_to_remove = content is None and fields["state"] == "absent"
    assume(not nothing_to_remove)  # Ansible fails: it cannot remove a block of a missing file
    theirs = ansibles_block(tmp_path, content, fields)
    assert ours("BlockInFile", content, fields) == theirs


def ansibles_block(directory: Path, content: str | None, fields: dict[str, Any]) -> str | None:
    path = prepared(directory, content)
    defaults = {"insertbefore": None, "insertafter": None, "validate": None, "backup": False}
    markers = {"marker_begin": "BEGIN", "marker_end": "END", "unsafe_writes": False}
    module = Module(directory, {**defaults, **markers, **fields, "path": str(path)})
    try:
        with patch.object(blockinfile, "AnsibleModule", lambda **_: module):
            blockinfile.main()
    except ModuleFailed:
        return "failed"
    except ModuleDone:
        pass
    return path.read_text() if path.exists() else None


def ours(kind: str, content: str | None, fields: dict[str, Any]) -> str | None:
    system = DescribedSystem({"files": {} if content is None else {"/etc/f": content}})
    resource = load(kind)(path="/etc/f", **fields)
    try:
        state = resource.expected(system)
    except Failure:
        return "failed"
    edited = state.get("content", content)
    assert isinstance(edited, str | None)
    return edited


def ansibles_line(directory: Path, content: str | None, fields: dict[str, Any]) -> str | None:
    path = prepared(directory, content)
    given = fields.get
    before, after = given("insertbefore"), given("insertafter")
    after = "EOF" if before is None and after is None else after
    module: Any = Module(directory, {"unsafe_writes": False})
    search = (given("regexp"), given("search_string"), fields["line"])
    try:
        if fields["state"] == "absent":
            lineinfile.absent(module, str(path), *search, False)
        else:
            backrefs, first = given("backrefs", False), fields["firstmatch"]
            create = fields["create"]
            lineinfile.present(
                module, str(path), *search, after, before, create, False, backrefs, first
            )
    except ModuleFailed:
        return "failed"
    except ModuleDone:
        pass
    except IndexError:
        pytest.skip("Ansible itself fails here")
    return path.read_text() if path.exists() else None


def prepared(directory: Path, content: str | None) -> Path:
    path = directory / "f"
    path.unlink(missing_ok=True)
    if content is not None:
        path.write_text(content)
    return path
