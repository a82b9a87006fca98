"""Frozen declarations that travel."""

from __future__ import annotations

import json
from typing import ClassVar

import pytest

from provision.agent.declaration import Declaration


class Base(Declaration):
    path: str
    mode: int | None = None


class Thing(Base):
    shared: ClassVar[list[str]] = []
    name: str
    tags: tuple[str, ...] = ()


def test_fields_and_defaults_come_from_the_bases_too() -> None:
    thing = Thing(path="/a", name="n")
    assert (thing.path, thing.mode, thing.name, thing.tags) == ("/a", None, "n", ())


def test_it_travels() -> None:
    thing = Thing(path="/a", name="n", mode=0o644)
    assert Thing(**json.loads(json.dumps(thing.fields()))) == thing


def test_only_what_was_given_travels() -> None:
    assert Thing(path="/a", name="n").fields() == {"path": "/a", "name": "n"}


def test_unknown_and_missing_fields_are_refused() -> None:
    with pytest.raises(TypeError, match=r"unknown fields \['nam'\], missing fields \['name'\]"):
        Thing(path="/a", nam="n")  # type: ignore[call-arg]


def test_class_variables_are_no_fields() -> None:
    with pytest.raises(TypeError, match="unknown fields"):
        Thing(path="/a", name="n", shared=[])  # type: ignore[call-arg]


def test_it_is_frozen() -> None:
    thing = Thing(path="/a", name="n")
    with pytest.raises(AttributeError, match="Thing is frozen"):
        thing.name = "m"  # type: ignore[misc]


def test_equality_is_by_kind_and_fields() -> None:
    same = {Thing(path="/a", name="n"), Thing(name="n", path="/a")}
    assert len(same) == 1
    assert Thing(path="/a", name="n") != Thing(path="/b", name="n")
    assert Base(path="/a") != Thing(path="/a", name="n")


def test_it_shows_what_was_given() -> None:
    assert repr(Thing(path="/a", name="n")) == "Thing(path='/a', name='n')"
