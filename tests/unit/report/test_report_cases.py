"""Recorded runs and what people read of them: one YAML file a case, see ``cases/``."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from rich.console import Console

from provision.engine.events import Event
from provision.report import make_listener
from provision.report.codec import decode, encode
from provision.report.console import LiveConsole
from provision.report.story import Story

CASES = sorted((Path(__file__).parent / "cases").glob("*.yml"))


def load(path: Path) -> dict[str, Any]:
    case = yaml.safe_load(path.read_text(encoding="utf-8"))
    assert isinstance(case, dict)
    return case


def events_of(case: dict[str, Any]) -> list[Event]:
    return [decode({"at": float(at), **entry}) for at, entry in enumerate(case["events"], start=1)]


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_plain_lines(path: Path) -> None:
    case, stream = load(path), io.StringIO()
    listener = make_listener(json=False, stream=stream, is_terminal=False, **case["options"])
    for event in events_of(case):
        listener(event)
    listener.close()
    assert stream.getvalue() == case["plain"]


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_the_terminal_keeps_the_same_lines(path: Path) -> None:
    case = load(path)
    console = Console(file=io.StringIO(), record=True, width=100, height=30, force_terminal=True)
    listener = LiveConsole(console, Story(**case["options"]))
    for event in events_of(case):
        listener(event)
    listener.close()
    shown = [line.rstrip() for line in console.export_text().splitlines()]
    lasting = case["plain"].splitlines()
    assert shown[-len(lasting) :] == lasting


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_events_survive_json(path: Path) -> None:
    for event in events_of(load(path)):
        assert decode(json.loads(json.dumps(encode(event)))) == event
