"""Modules declare what they should."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import pytest
import yaml

from provision.errors import Location, UsageError
from provision.playbook import Parameter, parameters_of
from provision.playbook.modules import MODULES, Catalog, build, converted, mode_of

CASES: Any = yaml.safe_load((Path(__file__).parent / "cases" / "modules.yaml").read_text())
CONTROL = {"assert", "debug", "fail", "reboot", "set_fact", "template"}


def numbered(cases: list[Any]) -> list[Any]:
    return [pytest.param(*case, id=f"{case[0]}-{i}") for i, case in enumerate(cases)]


@pytest.mark.parametrize(("name", "given", "kind", "fields"), numbered(CASES["declarations"]))
def test_declaration(name: str, given: Any, kind: str, fields: Any) -> None:
    declaration = build(name, converted(given, MODULES[name].parameters))
    assert declaration.kind() == kind
    assert json.loads(json.dumps(declaration.fields())) == fields


@pytest.mark.parametrize(("name", "given", "message"), numbered(CASES["errors"]))
def test_error(name: str, given: Any, message: str) -> None:
    where = Location("play.yml", 3, 5)
    with pytest.raises(UsageError) as caught:
        build(name, converted(given, MODULES[name].parameters, where), where)
    assert caught.value.message == message
    assert caught.value.where == where


def test_every_module_and_parameter_has_a_case() -> None:
    seen: dict[str, set[str]] = {name: set() for name in MODULES}
    for name, given, *_ in CASES["declarations"]:
        known = MODULES[name].parameters
        aliases = {alias: own for own in known for alias in known[own].aliases}
        seen[name] |= {aliases.get(word, word) for word in given}
    seen["systemd_service"] |= seen["systemd"]
    missing = {name: set(MODULES[name].parameters) - seen[name] for name in set(MODULES) - CONTROL}
    shared = {
        "owner",
        "group",
        "validate",
        "backup",
        "insertafter",
        "insertbefore",
        "create",
        "state",
        "chdir",
        "removes",
        "creates",
        "stdin",
        "stdin_add_newline",
        "mode",
    }
    assert {name: words - shared for name, words in missing.items() if words - shared} == {}


def test_modes() -> None:
    assert mode_of("0644") == mode_of("644") == mode_of(0o644) == mode_of("u=rw,go=r") == 0o644
    assert mode_of("a=rx") == 0o555
    assert mode_of("2775") == 0o2775
    for wrong in (644, 755, "u+x", "0888", -1, 0o10000, True, None, "preserve"):
        with pytest.raises(UsageError):
            mode_of(wrong)


def sample(
    host: object,
    *,
    text: str,
    flag: bool = False,
    number: int | None = None,
    share: float = 0.5,
    names: Sequence[str] = (),
    one: Literal["a", "b"] = "a",
    level: Literal[1, 2] | None = None,
    mapping: Mapping[str, str] | None = None,
    where: Path | None = None,
    either: int | str = 0,
    data: object = None,
) -> None:
    """Have one parameter of each kind."""


def test_parameters_of_a_python_task() -> None:
    assert parameters_of(sample) == {
        "text": Parameter(required=True),
        "flag": Parameter(type="bool"),
        "number": Parameter(type="int"),
        "share": Parameter(type="float"),
        "names": Parameter(type="list"),
        "one": Parameter(choices=("a", "b")),
        "level": Parameter(type="int", choices=(1, 2)),
        "mapping": Parameter(type="dict"),
        "where": Parameter(type="path"),
        "either": Parameter(type="raw"),
        "data": Parameter(type="raw"),
    }


def test_converted_parameters_of_a_python_task() -> None:
    catalog = Catalog({"sample": sample})
    given = {"text": 5, "flag": "no", "number": "7", "share": "1", "names": "a,b", "level": "2"}
    values = converted(given, catalog.parameters("sample"))
    assert values == {
        "text": "5", "flag": False, "number": 7, "share": 1.0, "names": ["a", "b"], "level": 2,
    }  # fmt: skip
    assert "sample" in set(catalog.names()) and "apt" in set(catalog.names())
