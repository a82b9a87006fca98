"""Prometheus' and Alertmanager's own tools on what the templates render to."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import docker
import pytest

from provision.lab import base
from provision.lab.images import Images, read_context
from provision.project import find
from provision.stack.render import render_role
from tests.unit.stack.cluster import variables

pytestmark = pytest.mark.integration

Tool = Callable[..., str]


@pytest.fixture(scope="module")
def tool() -> Tool:
    """Run a program of one of the lab's images on a directory, and return what it says."""
    client = docker.from_env()
    images = Images(client, lambda line: None)

    def run(name: str, program: str, directory: Path, *arguments: str) -> str:
        context = read_context(find("docker", f"lab-services/{name}/Dockerfile").parent)
        image = images.build(f"provision-lab-{name}", context, {"BASE": base.ensure(images)})
        output: bytes = client.containers.run(
            image,
            list(arguments),
            entrypoint=program,
            user="0",
            working_dir="/rendered",
            volumes={str(directory): {"bind": "/rendered", "mode": "ro"}},
            network_disabled=True,
            remove=True,
            stderr=True,
        )
        return output.decode()

    return run


@pytest.fixture
def rendered(tmp_path: Path) -> Path:
    for file in render_role("monitoring", variables("mon-01")).files:
        path = tmp_path / file.path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(file.content, encoding="utf-8")
    return tmp_path


def test_promtool_accepts_configuration_and_rules(tool: Tool, rendered: Path) -> None:
    said = tool("prometheus", "promtool", rendered, "check", "config", "prometheus/prometheus.yml")
    assert "is valid prometheus config file syntax" in said
    assert "rules found" in said


def test_amtool_accepts_the_configuration(tool: Tool, rendered: Path) -> None:
    said = tool("alertmanager", "amtool", rendered, "check-config", "alertmanager.yml")
    assert "SUCCESS" in said


def test_dashboard_queries_parse(tool: Tool, rendered: Path) -> None:
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
    said = tool("prometheus", "promtool", rendered, "check", "rules", "queries.yml")
    assert f"{len(queries)} rules found" in said
