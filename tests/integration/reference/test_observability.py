"""What the deployed stack shows of itself: metrics, dashboards, alerts, logs, traces, status."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

import provision
from provision.engine.status.training import MEASURES
from tests.integration.reference.cluster import Cluster
from tests.integration.reference.conftest import Receiver
from tests.integration.reference.machine import METRICS, wait_for

pytestmark = pytest.mark.integration

MONITORING = Path(provision.__file__).parents[1] / "templates" / "config" / "monitoring"
DASHBOARDS = sorted((MONITORING / "grafana" / "dashboards").glob("*.json"))
RULES = sorted((MONITORING / "prometheus" / "rules").glob("*.yml"))
METRIC = re.compile(r"\b(?:up|(?:generals|node|process|DCGM)_\w+)\b")
MADE_BY_NOTHING_HERE = {  # metric -> why a lab has none of it
    r"DCGM_\w+": "a lab has no GPU",
    r"node_timex_\w+": "the collector needs a system call that containers may not make",
}


def test_the_named_metrics_are_there(cluster: Cluster) -> None:
    names = {
        "games/s": "sum(rate(generals_games_finished_total[1m])) > 0",
        "steps/s": "sum(rate(generals_ticks_total[1m])) > 0",
        "buffer fill": "generals_buffer_fill > 0",
        "sample age": "histogram_quantile(0.5, rate(generals_sample_age_seconds_bucket[1m])) > 0",
        "learner updates/s": "sum(rate(generals_learner_updates_total[1m])) > 0",
        "loss": 'generals_learner_loss{part="loss"}',
        "win rate": 'sum(generals_agent_games_total{opponent="random",result="won"})',
        "model version of each agent": "count by (host) (generals_agent_model_version > 0) == 2",
    }
    for what, query in names.items():
        wait_for(lambda query=query: cluster.query(query), 90, f"{what}: {query}")


def panels(dashboard: Path) -> list[tuple[str, str]]:
    """Title and expression of every query, for all hosts and a rate over a minute."""
    content = json.loads(dashboard.read_text(encoding="utf-8"))
    return [
        (panel["title"], _filled(target["expr"]))
        for panel in content["panels"]
        for target in panel.get("targets", ())
    ]


def _filled(expression: str) -> str:
    return expression.replace("$__rate_interval", "1m").replace("$host", ".*")


def declared(expression: str) -> bool:
    """Whether there is a reason for a query to answer nothing here."""
    return any(re.search(name, expression) for name in MADE_BY_NOTHING_HERE)


@pytest.mark.parametrize("dashboard", DASHBOARDS, ids=lambda path: path.stem)
def test_every_query_of_a_dashboard_answers(cluster: Cluster, dashboard: Path) -> None:
    asked = panels(dashboard)
    assert asked
    for title, expression in asked:
        cluster.query(expression)  # a query that Prometheus refuses fails the test
        if not declared(expression):
            wait_for(lambda query=expression: cluster.query(query), 60, f"{title}: {expression}")


def alerts() -> list[Any]:
    """Every alert rule, with its name as the test's."""
    rules = [
        rule
        for path in RULES
        for group in yaml.safe_load(path.read_text(encoding="utf-8"))["groups"]
        for rule in group["rules"]
    ]
    return [pytest.param(rule["expr"], id=rule["alert"]) for rule in rules]


@pytest.mark.parametrize("expression", alerts())
def test_every_alert_can_fire(cluster: Cluster, expression: str) -> None:
    cluster.query(expression)
    for metric in sorted(set(METRIC.findall(expression))):
        if not declared(metric):
            wait_for(lambda name=metric: cluster.query(name), 30, f"{metric} of {expression}")


def test_logs_are_json_and_tell_their_trace(cluster: Cluster) -> None:
    for service in METRICS:
        for line in cluster.log(service):
            assert {"time", "level", "service", "message"} <= set(line), line
    for service, message in (("trainer", "checkpoint"), ("model-server", "published")):
        lines = [line for line in cluster.log(service) if line["message"] == message]
        assert lines
        assert re.fullmatch(r"[0-9a-f]{32}", lines[-1]["trace_id"]), lines[-1]


def test_a_trace_leads_from_an_agent_to_the_trainer(
    cluster: Cluster, receiver: tuple[Receiver, int]
) -> None:
    everybody = {"agent", "game-server", "experience-buffer", "trainer"}

    def whole() -> list[dict[tuple[str, str], Any]]:
        traces: dict[bytes, dict[tuple[str, str], Any]] = {}
        for service, span in list(receiver[0].spans):
            traces.setdefault(span.trace_id, {})[service, span.name] = span
        return [trace for trace in traces.values() if {name for name, _ in trace} >= everybody]

    wait_for(whole, 120, f"a trace with spans of {everybody}")
    trace = whole()[0]
    round_of_games = trace["agent", "round"]
    for step in (
        ("game-server", "Act"),
        ("experience-buffer", "Append"),
        ("trainer", "update"),
    ):
        assert trace[step].parent_span_id == round_of_games.span_id, step


def test_status_shows_it(cluster: Cluster) -> None:
    for service in METRICS:
        wait_for(lambda name=service: cluster.is_healthy(name), 60, f"{service} is healthy")
    shown = cluster.provision("status")
    assert shown.code == 0, shown.shown
    assert max(map(len, shown.out.splitlines())) <= 100
    for service in (*METRICS, "redis", "prometheus", "node-exporter"):
        assert re.search(rf" {service} +healthy ", shown.out), shown.out
    told = json.loads(cluster.provision("status", "--json").out)
    (host,) = told["hosts"]
    assert all(service["is_well"] and not service["drift"] for service in host["services"])
    training = told["training"]
    assert not training["problem"]
    assert set(training["values"]) >= {measure.name for measure in MEASURES} - {"win_rate"}
    assert len(training["agents"]) == 2


def test_status_waits_for_the_training(cluster: Cluster) -> None:
    came = cluster.provision("status", "-w", "version>=1", "-w", "games>0", "--timeout", "60")
    assert came.code == 0, came.shown
    assert "updates/s" in came.out.splitlines()[0]
    late = cluster.provision("status", "-w", "version>1000000", "--timeout", "1")
    assert late.code == 3, late.shown


def test_status_tells_what_is_not_well_and_what_drifted(cluster: Cluster) -> None:
    cluster.sh(f"docker stop --time 1 {cluster.container('agent-1')}")
    ill = cluster.provision("status")
    assert ill.code == 3, ill.shown
    assert re.search(r" agent-1 +exited with ", ill.out), ill.out
    drifted = cluster.provision("status", "--json", log_level="debug")
    services = {it["name"]: it for it in json.loads(drifted.out)["hosts"][0]["services"]}
    assert services["trainer"]["drift"] == ["configuration"]
    assert services["redis"]["drift"] == []
    mended = cluster.provision("deploy", "--tags", "agent_pool")
    assert mended.code == 0, mended.shown
