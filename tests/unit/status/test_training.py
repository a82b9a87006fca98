"""The numbers of the training: what is asked, what the answers amount to, what is waited for."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import unquote

import pytest

from provision.engine.status.training import Training, questions, training_of
from provision.engine.status.waiting import Condition, Waiting, parse_condition
from provision.errors import UsageError

VARIABLES = {"bind_address": "10.0.0.3", "prometheus_port": 9090, "prometheus_scrape_seconds": 15}
URLS = questions(VARIABLES)


def answers(**results: Any) -> dict[str, dict[str, Any]]:
    """What the host saw: these results, and nothing for the other questions."""
    return {
        url: {"status": 200, "body": json.dumps({"data": {"result": results.get(name, [])}})}
        for name, url in URLS.items()
    }


def sample(value: str, **metric: str) -> dict[str, Any]:
    return {"metric": metric, "value": [1700000000.0, value]}


def test_a_window_holds_several_scrapes() -> None:
    slow = questions(VARIABLES | {"prometheus_scrape_seconds": "60"})
    assert "[60s]" in unquote(URLS["games"])
    assert "[240s]" in unquote(slow["games"])
    assert all(url.startswith("http://10.0.0.3:9090/api/v1/query?query=") for url in URLS.values())


def test_what_nobody_knows_is_left_out() -> None:
    agents = [sample("7", host="h2", replica="1"), sample("8", host="h2", replica="0")]
    found = training_of(
        URLS, answers(games=[sample("1.5")], win_rate=[sample("NaN")], agents=agents)
    )
    assert found == Training({"games": 1.5}, {"h2/0": 8, "h2/1": 7}, "http://10.0.0.3:9090")


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        ({"error": "connection refused"}, "connection refused"),
        ({"status": 503, "body": "starting"}, "HTTP status 503"),
        ({"status": 400, "body": '{"status": "error"}'}, "HTTP status 400"),
    ],
)
def test_a_prometheus_that_does_not_answer_is_named(answer: dict[str, Any], problem: str) -> None:
    found = training_of(URLS, dict.fromkeys(URLS.values(), answer))
    assert found.problem == f"Prometheus at http://10.0.0.3:9090: {problem}"
    assert found.values == {}


@pytest.mark.parametrize(
    ("text", "condition"),
    [
        ("win_rate>0.8", Condition("win_rate", ">", 0.8)),
        ("win_rate >= 80%", Condition("win_rate", ">=", 0.8)),
        ("loss<=1", Condition("loss", "<=", 1.0)),
    ],
)
def test_a_condition(text: str, condition: Condition) -> None:
    assert parse_condition(text) == condition


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("win_rate", "is no condition"),
        ("win_rate>high", "is no condition"),
        ("win_rate=0.8", "is no condition"),
        ("winrate>0.8", "did you mean 'win_rate'"),
    ],
)
def test_a_condition_that_cannot_be_meant(text: str, message: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_condition(text)
    assert message in str(caught.value)


@pytest.mark.parametrize(("value", "holds"), [(0.79, False), (0.8, False), (0.81, True)])
def test_a_condition_holds(value: float, holds: bool) -> None:
    condition = Condition("win_rate", ">", 0.8)
    assert condition.holds(Training({"win_rate": value})) is holds
    assert not condition.holds(Training())


def test_waiting_shows_every_look_and_ends_when_all_holds() -> None:
    looks = [Training({"games": 1.0}), Training({"games": 3.0}), Training({"games": 9.0})]
    left, shown = iter(looks), []
    waiting = Waiting((Condition("games", ">", 2.0),), timeout=60, interval=0)
    assert waiting.until_it_holds(lambda: next(left), lambda found, _: shown.append(found))
    assert shown == looks[:2]


def test_waiting_ends_in_time() -> None:
    waiting = Waiting((Condition("games", ">", 2.0),), timeout=0.05, interval=0.02)
    assert not waiting.until_it_holds(Training, lambda *_: None)
