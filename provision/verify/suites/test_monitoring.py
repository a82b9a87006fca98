"""Monitoring sees every target, and its alert rules are loaded."""

from __future__ import annotations

import base64
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pytest

from provision.agent.resources.survey import Survey
from provision.source import parse_yaml
from provision.verify.dashboards import PanelQuery, panel_queries
from provision.verify.demand import demand
from provision.verify.node import Node
from provision.verify.prometheus import (
    Target,
    api,
    asked,
    data,
    known,
    place_of,
    query,
    refusal,
    targets,
)
from provision.verify.questions import Questions

testinfra_hosts = ["monitoring"]

_TARGETS = "targets?state=active"
_PATHS = (_TARGETS, "rules", "alertmanagers")
_POLL = 1.0  # seconds
_PATIENCE = 3  # scrapes; normally the next one tells
_DEFAULT_LOGIN = base64.b64encode(b"admin:admin").decode()
_SETTLED = "10m"  # games have ended and weights been updated, once a cluster is that old
_LATELY = "[30m:2m]"  # services may just have been started again


def questions(node: Node) -> Questions:
    """Return what is asked of the host that Prometheus runs on."""
    urls = [api(node, path) for path in _PATHS]
    return Questions(urls=(*urls, *(query(node, it.expression) for it in _queries(node))))


def _queries(node: Node) -> list[PanelQuery]:
    return panel_queries(
        node.projects["monitoring"].files,
        jobs={job for job, _ in targets(node)},
        scrape_seconds=float(node.variables["prometheus_scrape_seconds"]),
    )


def test_targets(node: Node) -> None:
    """Prometheus reaches every target of the inventory."""
    declared = targets(node)
    url = api(node, _TARGETS)
    seen = _states(known(node, url))
    deadline = time.monotonic() + _PATIENCE * float(node.variables["prometheus_scrape_seconds"])
    while _stale(seen, node.asked_at) and time.monotonic() < deadline:
        time.sleep(_POLL)
        seen = _states(data(url, asked(node, url)[url]))
    down = {target: seen[target].problem for target in declared & set(seen)}
    unknown = sorted(declared - set(seen))
    demand(
        f"{len(declared)} targets up",
        found=[
            *(f"{job} at {place}: {why}" for (job, place), why in sorted(down.items()) if why),
            *(f"{job} at {place}: Prometheus does not know it" for job, place in unknown),
        ],
        todo="See the target's own host; after a change of the inventory, deploy monitoring again",
    )


@dataclass(frozen=True)
class _State:
    problem: str  # nothing where it is up
    looked: float  # when Prometheus looked last, in Unix seconds


def _states(data: Any) -> dict[Target, _State]:
    return {
        (it["labels"]["job"], it["labels"]["instance"]): _State(
            "" if it["health"] == "up" else it.get("lastError") or str(it["health"]),
            datetime.fromisoformat(it["lastScrape"]).timestamp(),
        )
        for it in data["activeTargets"]
    }


def _stale(seen: Mapping[Target, _State], since: float) -> bool:
    """Tell whether a target is down, but may have been started after Prometheus looked last."""
    return any(state.problem and state.looked < since for state in seen.values())


def test_rules(node: Node) -> None:
    """Every alert rule is loaded and can be evaluated."""
    loaded = {
        (group["name"], rule["name"]): rule
        for group in known(node, api(node, "rules"))["groups"]
        for rule in group["rules"]
    }
    files = [it for it in node.projects["monitoring"].files if "prometheus/rules/" in it.path]
    parsed = [parse_yaml(it.content, it.path) for it in files]
    found = [
        f"{group['name']}: {rule.get('alert') or rule.get('record')} is not loaded"
        for content in parsed
        if isinstance(content, dict)
        for group in content["groups"]
        for rule in group["rules"]
        if (group["name"], rule.get("alert") or rule.get("record")) not in loaded
    ]
    found += [
        f"{name}: {rule.get('lastError') or 'it cannot be evaluated'}"
        for (_, name), rule in loaded.items()
        if rule["health"] == "err"
    ]
    demand(
        "the rules of templates/config/monitoring/prometheus/rules",
        found=found,
        todo="Deploy monitoring again; `promtool check rules FILE` names a fault",
    )


def test_alertmanager(node: Node) -> None:
    """Prometheus knows where to send alerts."""
    active = known(node, api(node, "alertmanagers"))["activeAlertmanagers"]
    demand(
        "an Alertmanager that Prometheus has found",
        found=[] if active else ["none"],
        todo="See `docker logs` of prometheus and alertmanager",
    )


def test_dashboards(node: Node) -> None:
    """Every query of the dashboards is answered with data."""
    queries = _queries(node)
    pages = {it: node.page(query(node, it.expression)) for it in queries}
    refused = {it: reason for it, page in pages.items() if (reason := refusal(page))}
    empty = [it for it in queries if it not in refused and not _result(node, it, pages[it])]
    if empty and not _is_settled(node):
        if not refused:
            pytest.skip(
                f"{len(empty)} queries have no data, and not every target is {_SETTLED} old"
            )
        empty = []
    found = [f"{_named(it)}: {reason}" for it, reason in refused.items()]
    found += [f"{_named(it)}: no data" for it in _still_empty(node, empty)]
    demand(
        f"data for the {len(queries)} queries of the dashboards",
        found=found,
        todo="See whether the service that makes the metric works, and calls it so; a file of the"
        " same name in your templates/config/monitoring/grafana/dashboards replaces a dashboard",
    )


def _named(panel: PanelQuery) -> str:
    return f"{panel.dashboard} / {panel.panel}"


def _result(node: Node, panel: PanelQuery, page: Mapping[str, Any]) -> Any:
    return data(query(node, panel.expression), page)["result"]


def _is_settled(node: Node) -> bool:
    """Tell whether the cluster is old enough for all that its dashboards show."""
    url = query(node, f"up offset {_SETTLED}")
    before = data(url, asked(node, url)[url])["result"]
    return targets(node) <= {(it["metric"]["job"], it["metric"]["instance"]) for it in before}


def _still_empty(node: Node, empty: list[PanelQuery]) -> list[PanelQuery]:
    """Return the queries that had no data of late either."""
    urls = {it: query(node, f"last_over_time(({it.expression}){_LATELY})") for it in empty}
    pages = asked(node, *urls.values()) if urls else {}
    return [it for it, url in urls.items() if not data(url, pages[url])["result"]]


def test_grafana_password(node: Node) -> None:
    """Grafana refuses its default password."""
    place = place_of(node, "grafana")
    request = (
        f"GET /api/org HTTP/1.0\r\nHost: {place}\r\nAuthorization: Basic {_DEFAULT_LOGIN}\r\n\r\n"
    )
    answer = node.ask(Survey(tcp={place: request}))["tcp"][place]
    line = (answer.get("reply") or answer.get("error") or "nothing").partition("\r\n")[0]
    demand(
        "401 for admin with the password admin",
        found=[] if " 401" in line else [line],
        todo="`grafana cli admin reset-admin-password`: the variable counts at the first start",
    )
