"""Nothing is watched that is not there, and nothing is there that is not watched."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest
import yaml

from provision.project import defaults_root
from provision.stack.render import render_role
from tests.unit.stack.cluster import CLUSTER, HERE, projects, variables

ROOT = defaults_root()
CONFIG = ROOT / "templates" / "config" / "monitoring"
DASHBOARDS = sorted((CONFIG / "grafana" / "dashboards").glob("*.json"))
RULES = sorted((CONFIG / "prometheus" / "rules").glob("*.yml"))
WORD = re.compile(r"\b(?:generals|node|DCGM|process|up|ALERTS)(?:_\w+)?\b")
SUFFIX = re.compile(r"_(?:total|bucket|count|sum)$")


@cache
def known_metrics() -> set[str]:
    """What the exporters and the reference image show, without their types' suffixes."""
    sources = (ROOT / "docker" / "reference" / "generals_reference").glob("**/*.py")
    text = "".join(source.read_text(encoding="utf-8") for source in sources)
    own = set(re.findall(r'(?:Counter|Gauge|Histogram)\(\s*"(\w+)"', text))
    exporters = (HERE / "exporter-metrics.txt").read_text(encoding="utf-8").split()
    return {SUFFIX.sub("", name) for name in own | set(exporters)}


def dashboard_queries() -> Iterator[Any]:
    for path in DASHBOARDS:
        board = json.loads(path.read_text(encoding="utf-8"))
        for panel in board["panels"]:
            for target in panel.get("targets", []):
                yield pytest.param(target["expr"], id=f"{path.stem}: {panel['title']}")


def alert_queries() -> Iterator[Any]:
    for path in RULES:
        for group in yaml.safe_load(path.read_text(encoding="utf-8"))["groups"]:
            for rule in group["rules"]:
                yield pytest.param(rule["expr"], id=f"alert {rule['alert']}")


@pytest.mark.parametrize("query", [*dashboard_queries(), *alert_queries()])
def test_queries_ask_for_metrics_that_exist(query: str) -> None:
    without_labels = re.sub(r"\{[^}]*\}|\"[^\"]*\"", "", query)
    names = {SUFFIX.sub("", name) for name in WORD.findall(without_labels)}
    assert names
    assert names <= known_metrics()


@pytest.mark.parametrize("path", DASHBOARDS, ids=lambda path: path.stem)
def test_dashboards_are_of_the_provisioned_data_source(path: Any) -> None:
    board = json.loads(path.read_text(encoding="utf-8"))
    sources = yaml.safe_load(_rendered("grafana/provisioning/datasources/stack.yml"))
    known = {source["uid"] for source in sources["datasources"]}
    assert {panel["datasource"]["uid"] for panel in board["panels"] if "targets" in panel} <= known
    assert len({panel["id"] for panel in board["panels"]}) == len(board["panels"])
    assert board["uid"].startswith("generals-")


def test_panels_do_not_overlap() -> None:
    for path in DASHBOARDS:
        taken: set[tuple[int, int]] = set()
        for panel in json.loads(path.read_text(encoding="utf-8"))["panels"]:
            at = panel["gridPos"]
            xs, ys = range(at["x"], at["x"] + at["w"]), range(at["y"], at["y"] + at["h"])
            cells = {(x, y) for x in xs for y in ys}
            assert not cells & taken, f"{path.stem}: {panel['title']}"
            assert max(x for x, _ in cells) < 24
            taken |= cells


def _rendered(name: str) -> str:
    project = next(project for _, project in projects() if project.role == "monitoring")
    return next(file.content for file in project.files if file.path == name)


def targets() -> dict[str, set[str]]:
    scrapes = yaml.safe_load(_rendered("prometheus/prometheus.yml"))["scrape_configs"]
    return {
        scrape["job_name"]: {t for config in scrape["static_configs"] for t in config["targets"]}
        for scrape in scrapes
    }


def test_every_published_metrics_port_is_scraped() -> None:
    """What services publish for metrics, against what Prometheus asks for: one from the other."""
    published = {
        f"{port['host_ip']}:{port['published']}"
        for _, project in projects()
        for service in project.services.values()
        for port in service.get("ports", [])
        if port["target"] in {9464, 9400}
    }
    scraped = targets()
    jobs = ("dcgm", "game_server", "experience_buffer", "model_server", "agent_pool")
    assert set().union(*(scraped[job] for job in jobs)) == published


def test_trainers_on_the_hosts_network_are_scraped() -> None:
    ports = {
        render_role("trainer", variables(host)).services["trainer"]["environment"]["METRICS_PORT"]
        for host in CLUSTER["groups"]["trainer"]
    }
    assert ports == {"9466"}
    assert targets()["trainer"] == {"10.0.0.31:9466", "10.0.0.32:9466"}


def test_every_host_is_scraped() -> None:
    assert len(targets()["node"]) == len(CLUSTER["hosts"])


def test_every_target_names_its_host() -> None:
    for scrape in yaml.safe_load(_rendered("prometheus/prometheus.yml"))["scrape_configs"]:
        if scrape["job_name"] != "otlp":
            assert all(config["labels"]["host"] for config in scrape["static_configs"])


def test_alerts_go_to_the_webhook_only_where_there_is_one() -> None:
    with_hook = yaml.safe_load(_rendered("alertmanager.yml"))
    assert with_hook["route"]["receiver"] == "webhook"
    without = render_role("monitoring", variables("mon-01", alert_webhook_url=""), project=HERE)
    config = next(f.content for f in without.files if f.path == "alertmanager.yml")
    assert yaml.safe_load(config)["route"]["receiver"] == "nobody"


def test_the_collector_exports_where_something_listens() -> None:
    with_store = yaml.safe_load(_rendered("otel-collector.yml"))
    assert with_store["service"]["pipelines"]["traces"]["exporters"] == ["otlp/tempo"]
    project = render_role("monitoring", variables("mon-01", tempo_image=""), project=HERE)
    config = next(f.content for f in project.files if f.path == "otel-collector.yml")
    without = yaml.safe_load(config)
    for collector in (with_store, without):
        used = {e for p in collector["service"]["pipelines"].values() for e in p["exporters"]}
        assert used == set(collector["exporters"])
