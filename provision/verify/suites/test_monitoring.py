"""Monitoring sees every target, and its alert rules are loaded."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pytest

from provision.agent.resources.survey import Survey
from provision.errors import TaskError
from provision.source import parse_yaml
from provision.verify.demand import demand
from provision.verify.node import Node
from provision.verify.questions import Questions

testinfra_hosts = ["monitoring"]

_PATHS = ("targets?state=active", "rules", "alertmanagers")
_POLL = 1.0  # seconds
_PATIENCE = 3  # scrapes; normally the next one tells
_DEFAULT_LOGIN = base64.b64encode(b"admin:admin").decode()

Target = tuple[str, str]
"""A job, and the address that it scrapes."""


def questions(node: Node) -> Questions:
    """Return what is asked of the host that Prometheus runs on."""
    return Questions(urls=tuple(_url(node, path) for path in _PATHS))


def _place(node: Node, name: str) -> str:
    """Return ``address:port`` where a service of the role is to be reached from its host."""
    for service in node.services:
        if service.name == name:
            address, port = min(service.published)
            return f"{'127.0.0.1' if address in ('0.0.0.0', '::') else address}:{port}"  # noqa: S104
    pytest.skip(f"{name} is not part of the stack here")


def _url(node: Node, path: str) -> str:
    return f"http://{_place(node, 'prometheus')}/api/v1/{path}"


def _data(url: str, page: Mapping[str, Any]) -> Any:
    if page.get("status") != 200:  # noqa: PLR2004
        raise TaskError(f"{url} answers {page.get('status', page.get('error'))}")
    return json.loads(page["body"])["data"]


def _known(node: Node, path: str) -> Any:
    url = _url(node, path)
    return _data(url, node.page(url))


def _file(node: Node, path: str) -> Any:
    files = node.projects["monitoring"].files
    return next(parse_yaml(it.content, it.path) for it in files if it.path == path)


def test_targets(node: Node) -> None:
    """Prometheus reaches every target of the inventory."""
    config = _file(node, "prometheus/prometheus.yml")
    declared = {
        (job["job_name"], target)
        for job in config["scrape_configs"]
        for group in job["static_configs"]
        for target in group["targets"]
    }
    seen = _states(_known(node, _PATHS[0]))
    deadline = time.monotonic() + _PATIENCE * float(node.variables["prometheus_scrape_seconds"])
    while _stale(seen, node.asked_at) and time.monotonic() < deadline:
        time.sleep(_POLL)
        url = _url(node, _PATHS[0])
        seen = _states(_data(url, node.ask(Survey(urls=[url]))["urls"][url]))
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
        for group in _known(node, "rules")["groups"]
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
    active = _known(node, "alertmanagers")["activeAlertmanagers"]
    demand(
        "an Alertmanager that Prometheus has found",
        found=[] if active else ["none"],
        todo="See `docker logs` of prometheus and alertmanager",
    )


def test_grafana_password(node: Node) -> None:
    """Grafana refuses its default password."""
    place = _place(node, "grafana")
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
