"""Handlers that were notified, remembered until they have run."""

from __future__ import annotations

from pathlib import Path

import pytest

from provision.agent import pending_handlers
from provision.agent.failure import Failure
from provision.agent.resource import Difference, Resource, State, converge
from provision.agent.system import System


class Switch(Resource):
    """Looks at what is remembered at the moment of the change."""

    position: str

    def expected(self, system: System) -> State:
        return {"position": self.position}

    def actual(self, system: System) -> State:
        return {"position": "off"}

    def fix(self, system: System, difference: Difference) -> dict[str, object]:
        return {"remembered": pending_handlers.read(system)}


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "state" / "pending-handlers"
    for name in ("_OF_ROOT", "_OF_OTHERS"):
        monkeypatch.setattr(pending_handlers, name, str(path))
    path.parent.mkdir()
    return path


def applied(position: str, *, check: bool = False) -> dict[str, object]:
    switch = Switch(position=position)
    return converge(switch, System(), check=check, pending=False, notify=["play: bell"]).data


def test_they_are_remembered_before_the_change() -> None:
    assert applied("on") == {"remembered": ["play: bell"]}


def test_nothing_is_remembered_where_nothing_changes(place: Path) -> None:
    applied("off")
    applied("on", check=True)
    assert not place.exists()


def test_each_is_forgotten_by_itself() -> None:
    system = System()
    pending_handlers.add(system, ["a", "b"])
    pending_handlers.add(system, ["b", "c"])
    assert pending_handlers.read(system) == ["a", "b", "c"]
    pending_handlers.remove(system, ["b", "never heard of"])
    assert pending_handlers.read(system) == ["a", "c"]


def test_a_torn_write_is_not_taken_for_one(place: Path) -> None:
    pending_handlers.add(System(), ["a"])
    (place / ".0123.provision-4711").write_text("b")
    assert pending_handlers.read(System()) == ["a"]


def test_what_cannot_be_remembered_is_not_changed(place: Path) -> None:
    place.write_text("a file in its place")
    with pytest.raises(Failure):
        applied("on")
