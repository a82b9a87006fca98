"""Who gets which view, and at what cost."""

from __future__ import annotations

import io
import subprocess
import sys

import pytest

from provision.engine.events import HostUnreachable
from provision.report import make_listener
from provision.report.console import LiveConsole
from provision.report.jsonlines import JsonLines
from provision.report.plain import PlainConsole

PERSON = {"TERM": "xterm-256color"}


@pytest.mark.parametrize(
    ("environ", "terminal", "json", "kind"),
    [
        (PERSON, True, False, LiveConsole),
        (PERSON, False, False, PlainConsole),
        (PERSON, True, True, JsonLines),
        ({**PERSON, "CI": "true"}, True, False, PlainConsole),
        ({**PERSON, "NO_COLOR": "1"}, True, False, PlainConsole),
        ({**PERSON, "NO_COLOR": ""}, True, False, LiveConsole),
        ({"TERM": "dumb"}, True, False, PlainConsole),
        ({}, True, False, PlainConsole),
    ],
)
def test_the_view_suits_the_reader(
    environ: dict[str, str],
    terminal: bool,
    json: bool,
    kind: type,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("CI", "NO_COLOR", "TERM"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    stream = io.TextIOWrapper(io.BytesIO(), encoding="utf-8")
    listener = make_listener(
        json=json, verbosity=0, diff=False, check=False, stream=stream, is_terminal=terminal
    )
    listener.close()
    assert type(listener) is kind


def test_a_terminal_of_another_encoding_gets_what_it_can_show() -> None:
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding="ascii")
    listener = make_listener(
        json=False, verbosity=0, diff=False, check=False, stream=stream, is_terminal=True
    )
    listener(HostUnreachable(host="h1", message="not r\u00e9achable…"))
    assert raw.getvalue() == b"UNREACHABLE  h1: not r?achable?\n"


def test_the_package_is_cheap_to_import() -> None:
    code = (
        "import sys, provision.report;"
        "print([name for name in ('rich', 'jinja2', 'yaml', 'fabric') if name in sys.modules])"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert result.stdout == "[]\n"
