"""Each check passes on a host that is well, and fails on one that is not."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from provision.source import load_yaml, plain
from provision.verify.runner import Check, verify
from tests.unit.verify.described import Changes, DescribedHost, described

CASES: Any = plain(load_yaml(Path(__file__).with_name("cases.yaml")))


def test_hosts_that_are_well() -> None:
    checks = verify([host.target() for host in described()])
    assert [check for check in checks if check.outcome == "failed"] == []
    reasons = {check.message for check in checks if check.outcome == "skipped"}
    assert reasons == {
        "gpu_count is 0",
        "no cuda_image is given",
        "nothing on it uses GAME_SERVER",
        "nothing on it uses EXPERIENCE_BUFFER",
        "nothing on it uses MODEL_SERVER",
    }


@pytest.fixture(scope="module")
def results() -> dict[str, list[Check]]:
    """The results of all cases, each on a host of its own, from one session: that is quicker."""
    known = set(Changes.__dataclass_fields__)
    targets = []
    for case in CASES:
        changes = Changes(**{name: value for name, value in case.items() if name in known})
        host = DescribedHost(case["host"], changes)
        targets.append(replace(host.target(), name=case["wrong"]))
    checks = verify(targets)
    return {case["wrong"]: [it for it in checks if it.host == case["wrong"]] for case in CASES}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["wrong"])
def test_host_that_is_not(case: dict[str, Any], results: dict[str, list[Check]]) -> None:
    of_suite = [it for it in results[case["wrong"]] if it.suite == case["suite"]]
    failed = [it for it in of_suite if it.outcome == "failed"]
    assert of_suite
    assert [_expected(it, case["fails"]) for it in failed] == case["fails"]
    assert all(it.expected and it.found and it.hint for it in failed) or "urls" in case
    if failed:
        assert case.get("says", "") in failed[0].message


def _expected(check: Check, names: list[str]) -> str:
    return next((name for name in names if name in check.name), check.name)
