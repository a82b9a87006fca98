"""Where a rollback leads, on hosts described by their history."""

from __future__ import annotations

from typing import Any

import pytest

from provision.agent.releases import past
from provision.engine.rollout.going_back import RoleState, kept
from provision.engine.rollout.rollback import Targets, _in_order, _last_deploy, _to
from provision.errors import TaskError, UsageError


def states(**hosts: dict[str, list[str]]) -> dict[str, dict[str, RoleState]]:
    """Return states from ``role=["run action release", …]``; the number in a run is its time."""
    return {
        host: {role: state(role, lines) for role, lines in roles.items()}
        for host, roles in hosts.items()
    }


def state(role: str, lines: list[str]) -> RoleState:
    history: list[dict[str, Any]] = []
    for line in lines:
        run, action, release = line.split()
        history.append({"at": run, "run": run, "action": action, "release": release, "role": role})
    steps = past(history, "")
    releases = {line["release"]: {"release": line["release"]} for line in history}
    return RoleState(role, f"/opt/{role}", steps[-1] if steps else "", steps, releases, history)


FLEET = states(
    h1={"web": ["r1 deploy a", "r3 deploy b"], "db": ["r1 deploy x", "r2 deploy y"]},
    h2={"web": ["r1 deploy c", "r3 deploy d"]},
    h3={"web": ["r1 deploy e"]},
)


def test_the_last_deploy_is_undone_where_it_changed_something() -> None:
    assert _last_deploy(FLEET) == {"h1": {"web": "a"}, "h2": {"web": "c"}}


def test_what_was_rolled_back_is_not_the_last_deploy() -> None:
    fleet = states(
        h1={"web": ["r1 deploy a", "r3 deploy b", "r4 rollback a"]},
        h2={"db": ["r1 deploy x", "r2 deploy y"]},
    )
    assert _last_deploy(fleet) == {"h2": {"db": "x"}}


def test_first_releases_have_nothing_before_them() -> None:
    with pytest.raises(UsageError, match="made the first releases"):
        _last_deploy(states(h1={"web": ["r1 deploy a"]}))


def test_nothing_was_ever_deployed() -> None:
    with pytest.raises(UsageError, match="no release that a deploy has made"):
        _last_deploy(states(h1={}))


@pytest.mark.parametrize(
    ("to", "expected"),
    [
        ("a", {"h1": {"web": "a"}}),
        ("r1", {"h1": {"web": "a", "db": "x"}, "h2": {"web": "c"}, "h3": {"web": "e"}}),
        ("r2", {"h1": {"web": "a", "db": "y"}, "h2": {"web": "c"}, "h3": {"web": "e"}}),
    ],
)
def test_going_to_a_release_or_to_a_run(to: str, expected: Targets) -> None:
    assert _to(FLEET, to) == expected


def test_going_to_what_never_was() -> None:
    with pytest.raises(UsageError, match="neither a release nor a run 'r9'"):
        _to(FLEET, "r9")


def test_who_asks_goes_before_who_is_asked() -> None:
    targets = {"h1": dict.fromkeys(["host", "game_server", "trainer", "agent_pool"], "a")}
    assert _in_order(targets) == ["agent_pool", "trainer", "game_server", "host"]


def test_a_run_is_over_when_its_last_batch_is() -> None:
    fleet = states(
        h1={"web": ["r1 deploy a", "r2 deploy b", "r3 deploy c"]},
        h2={"web": ["r1 deploy a", "r2 deploy b", "r3 deploy c"]},
    )
    for host, times in (("h1", "149"), ("h2", "268")):
        for line, at in zip(fleet[host]["web"].history, times, strict=True):
            line["at"] = at
    expected = {"h1": {"web": "b"}, "h2": {"web": "b"}}
    assert _to(fleet, "r2") == expected
    assert _to(dict(reversed(fleet.items())), "r2") == expected


def test_a_release_that_was_not_kept_is_refused() -> None:
    state = FLEET["h1"]["web"]._replace(releases={"a": {"missing": ["/x"]}})
    with pytest.raises(TaskError, match="host h1: release a of web lacks /x"):
        kept("h1", state, "a")
    with pytest.raises(TaskError, match="release z of web is gone"):
        kept("h1", state, "z")
