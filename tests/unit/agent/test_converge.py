"""Plan and apply are the same code."""

from __future__ import annotations

import pytest

from provision.agent.failure import Failure, NotThereYet
from provision.agent.resource import Change, Resource, State, compare, converge, names
from provision.agent.system import System
from tests.unit.agent.described import DescribedSystem


class Counter(Resource):
    """A file that holds a number."""

    value: int

    def expected(self, system: System) -> State:
        return {"value": self.value}

    def actual(self, system: System) -> State:
        text = system.read_text("/n")
        if text is None:
            raise NotThereYet("there is no counter")
        return {"value": int(text), "beside": "the point"}

    def fix(self, system: System, difference: object) -> dict[str, str]:
        system.write("/n", str(self.value).encode())
        return {"wrote": "it"}


def host(**files: str) -> DescribedSystem:
    return DescribedSystem({"files": {"/" + name: text for name, text in files.items()}})


@pytest.mark.parametrize(
    ("expected", "actual", "difference"),
    [
        ({}, {"a": 1}, {}),
        ({"a": 1}, {"a": 1, "b": 2}, {}),
        ({"a": 1}, {"a": 2}, {"a": Change(2, 1)}),
        ({"a": 1}, {}, {"a": Change(None, 1)}),
        ({"a": None}, {}, {"a": Change(None, None)}),
        ({"a": None}, {"a": None}, {}),
    ],
)
def test_compare(expected: State, actual: State, difference: State) -> None:
    assert compare(expected, actual) == difference


def test_apply_fixes_and_reports() -> None:
    system = host(n="1")
    outcome = converge(Counter(value=2), system, check=False, pending=False)
    assert outcome == ("changed", {"value": Change(1, 2)}, {"wrote": "it"}, "")
    assert system.read_text("/n") == "2"
    assert converge(Counter(value=2), system, check=False, pending=False).status == "ok"


def test_check_finds_the_same_and_changes_nothing() -> None:
    system = host(n="1")
    outcome = converge(Counter(value=2), system, check=True, pending=False)
    assert outcome == ("changed", {"value": Change(1, 2)}, {}, "")
    assert system.read_text("/n") == "1"


def test_what_is_missing_is_unknown_only_where_a_plan_may_make_it() -> None:
    outcome = converge(Counter(value=2), host(), check=True, pending=True)
    assert (outcome.status, outcome.message) == ("unknown", "there is no counter")
    for check, pending in ((True, False), (False, True), (False, False)):
        with pytest.raises(Failure, match="there is no counter"):
            converge(Counter(value=2), host(), check=check, pending=pending)


def test_names() -> None:
    assert names("a, b,") == ["a", "b"]
    assert names(("a", "b c")) == ["a", "b c"]
