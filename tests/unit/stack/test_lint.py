"""One data file per rule: what is written, and what the linter says about it.

A case's ``service`` is laid over a service that nothing can be said against (``BASE``), with a
null taking a key away. ``others`` are further services, ``top`` are further keys of the file.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from provision.source import load_yaml
from provision.stack.lint import lint
from provision.stack.model import ComposeProject
from provision.stack.rules import RULES

CASES = Path(__file__).parent / "lint"
DOCUMENTATION = Path(__file__).parents[3] / "docs" / "stack.md"
BASE = yaml.safe_load("""
image: registry.example.com/app:1.0
user: "1000:1000"
read_only: true
cap_drop: [ALL]
security_opt: ["no-new-privileges:true"]
restart: unless-stopped
mem_limit: 1g
cpus: 1.0
pids_limit: 100
logging: {driver: json-file, options: {max-size: 20m}}
healthcheck: {test: [CMD, app, health]}
""")


def cases() -> Iterator[Any]:
    for path in sorted(CASES.glob("*.yaml")):
        content: Any = load_yaml(path)
        for case in content:
            yield pytest.param(case, id=f"{path.stem}: {case['name']}")


def over_base(spec: dict[str, Any] | None) -> dict[str, Any]:
    merged = {**BASE, **(spec or {})}
    return {key: value for key, value in merged.items() if value is not None}


def project(case: dict[str, Any]) -> ComposeProject:
    services = {name: over_base(spec) for name, spec in (case.get("others") or {}).items()}
    model = {**(case.get("top") or {}), "services": {**services, "app": over_base(case["service"])}}
    return ComposeProject("role", "name", model, "", (), ())


@pytest.mark.parametrize("case", list(cases()))
def test_findings(case: dict[str, Any]) -> None:
    findings = lint(project(case))
    expected = case["expect"]
    assert [f"{f.level} {f.rule}" for f in findings] == [str(e["finding"]) for e in expected]
    for finding, expectation in zip(findings, expected, strict=True):
        assert expectation["says"] in finding.message
        assert finding.hint
        assert finding.service in {None, "app"}


@pytest.mark.parametrize("name", [*RULES, "schema", "version-key"])
def test_every_rule_has_cases_for_and_against(name: str) -> None:
    content: Any = load_yaml(CASES / f"{name}.yaml")
    found = [any(name in str(e["finding"]).split() for e in case["expect"]) for case in content]
    assert True in found
    assert False in found


@pytest.mark.parametrize("name", [*RULES, "schema", "version-key"])
def test_every_rule_is_documented(name: str) -> None:
    assert f"| `{name}` |" in DOCUMENTATION.read_text(encoding="utf-8")
    assert name not in RULES or (RULES[name].__doc__ or "").strip()
