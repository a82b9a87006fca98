"""Every resource and query against described hosts: ``cases/<kind>/*.yaml``.

A file holds one case, a list of them, or several YAML documents of either. A case:

    name: what it shows
    resource: {kind: Copy, fields: {…}}
    system: {…}                              see ``described.py``
    difference: {property: [actual, expected]}      all of it; {} where there is nothing to do
    or  failure: part of the message, of its hint or of its log
    or  not_there_yet: part of the message
    or  answer: {…}                          of a query
    after:                                   `fix` is run, and then this must hold
      files: {path: text, or {mode: 0600, …}, or null where there is none}
      ran: [argv joined by spaces, …]        all that was run, for looking and for fixing
      requested: [address, …]                all that was downloaded
      data: {…}                              what `fix` reported
    or  after: {failure: part of the message}
    idempotent: true                         after `fix`, nothing is left to do
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from provision.agent.failure import Failure, NotThereYet
from provision.agent.resource import Difference, compare, converge
from provision.agent.resources import load
from tests.unit.agent.described import DescribedSystem, Node

CASES = Path(__file__).parent / "cases"
OUTCOMES = {"difference", "failure", "not_there_yet", "answer"}
KEYS = OUTCOMES | {"name", "resource", "system", "after", "idempotent"}
AFTER_KEYS = {"files", "ran", "requested", "data", "failure"}


def cases() -> Iterator[Any]:
    for path in sorted(CASES.glob("*/*.yaml")):
        for document in yaml.load_all(path.read_text(encoding="utf-8"), yaml.CSafeLoader):
            for case in document if isinstance(document, list) else [document]:
                yield pytest.param(case, id=f"{path.parent.name}/{path.stem}: {case['name']}")


@pytest.mark.parametrize("case", list(cases()))
def test_case(case: dict[str, Any]) -> None:
    check_well_formed(case)
    system = DescribedSystem(case.get("system") or {})
    declaration = load(case["resource"]["kind"])(**case["resource"]["fields"])
    if "answer" in case:
        assert declaration.answer(system) == case["answer"]
    elif hasattr(declaration, "answer"):
        check_failure(case, lambda: declaration.answer(system))
    elif "difference" in case:
        check_difference(case, declaration, system)
        check_after(case, declaration, system)
    else:
        check_failure(
            case, lambda: compare(declaration.expected(system), declaration.actual(system))
        )


def check_well_formed(case: dict[str, Any]) -> None:
    """A misspelt key must not make a case pass."""
    assert not set(case) - KEYS, f"unknown keys {set(case) - KEYS}"
    assert len(OUTCOMES & set(case)) == 1, f"exactly one of {sorted(OUTCOMES)}"
    after = case.get("after") or {}
    assert not set(after) - AFTER_KEYS, f"unknown keys {set(after) - AFTER_KEYS}"


def check_difference(case: dict[str, Any], resource: Any, system: DescribedSystem) -> None:
    before = snapshot(system)
    found = compared(resource, system)
    assert {name: list(change) for name, change in found.items()} == case["difference"]
    assert snapshot(system) == before, "looking changed the host"
    system.ran.clear()
    system.requested.clear()


def check_after(case: dict[str, Any], resource: Any, system: DescribedSystem) -> None:
    after = case.get("after") or {}
    if "failure" in after:
        before = snapshot(system)
        with pytest.raises(Failure) as caught:
            converge(resource, system, check=False, pending=False)
        assert after["failure"] in told(caught.value)
        assert snapshot(system) == before, "a failed fix left something half-done"
    elif after or case.get("idempotent"):
        outcome = converge(resource, system, check=False, pending=False)
        assert outcome.status == ("changed" if case["difference"] else "ok")
        for path, expected in (after.get("files") or {}).items():
            check_file(system, path, expected)
        if "ran" in after:
            assert system.ran == after["ran"]
        if "requested" in after:
            assert system.requested == after["requested"]
        if "data" in after:
            assert outcome.data == after["data"]
    if case.get("idempotent"):
        assert compared(resource, system) == {}


def check_file(system: DescribedSystem, path: str, expected: Any) -> None:
    node: Node | None = system.nodes.get(path)
    if expected is None:
        assert node is None, f"{path} is still there"
        return
    assert node is not None, f"{path} is not there"
    wanted = {"content": expected} if isinstance(expected, str) else expected
    assert {name: node.described()[name] for name in wanted} == wanted


def check_failure(case: dict[str, Any], look: Any) -> None:
    with pytest.raises(Failure) as caught:
        look()
    expected = case.get("not_there_yet") or case.get("failure")
    assert isinstance(expected, str)
    assert expected in told(caught.value)
    assert isinstance(caught.value, NotThereYet) == ("not_there_yet" in case)


def compared(resource: Any, system: DescribedSystem) -> Difference:
    return compare(resource.expected(system), resource.actual(system))


def told(failure: Failure) -> str:
    """Return all that a person is told."""
    parts = (failure.message, failure.expected, failure.found, failure.hint, *failure.log)
    return "\n".join(parts)


def snapshot(system: DescribedSystem) -> dict[str, Any]:
    return {path: node.described() for path, node in system.nodes.items()}
