"""Prometheus' and Alertmanager's own tools on what the templates render to."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from provision.stack.render import render_role
from tests.unit.stack.cluster import variables

pytestmark = pytest.mark.integration


def tool(name: str) -> str:
    path = shutil.which(name)
    if path is None:
        pytest.skip(f"{name} is not installed (Debian: prometheus, prometheus-alertmanager)")
    return path


@pytest.fixture
def rendered(tmp_path: Path) -> Path:
    for file in render_role("monitoring", variables("mon-01")).files:
        path = tmp_path / file.path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(file.content, encoding="utf-8")
    return tmp_path


def run(*argv: str) -> None:
    result = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=60)
    assert result.returncode == 0, result.stdout + result.stderr


def test_promtool_accepts_configuration_and_rules(rendered: Path) -> None:
    run(tool("promtool"), "check", "config", str(rendered / "prometheus" / "prometheus.yml"))


def test_amtool_accepts_the_configuration(rendered: Path) -> None:
    run(tool("amtool"), "check-config", str(rendered / "alertmanager.yml"))


def test_dashboard_queries_parse(rendered: Path) -> None:
    """As the expressions of recording rules, which `promtool check rules` parses."""
    queries = [
        target["expr"].replace("$__rate_interval", "1m")
        for path in sorted((rendered / "grafana" / "dashboards").glob("*.json"))
        for panel in json.loads(path.read_text(encoding="utf-8"))["panels"]
        for target in panel.get("targets", [])
    ]
    assert queries
    rules = [{"record": f"query:number_{n}", "expr": query} for n, query in enumerate(queries)]
    path = rendered / "queries.yml"
    path.write_text(json.dumps({"groups": [{"name": "queries", "rules": rules}]}))
    run(tool("promtool"), "check", "rules", str(path))
