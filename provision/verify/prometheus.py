"""What a host says that Prometheus says to it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

import pytest

from provision.agent.resources.survey import Survey
from provision.errors import TaskError
from provision.source import parse_yaml
from provision.verify.node import Node

_OK = 200
_REFUSED = (400, 422)  # a query that cannot be read, or not be carried out (its HTTP API)

Target = tuple[str, str]
"""A job, and the address that it scrapes."""


def place_of(node: Node, name: str) -> str:
    """Return ``address:port`` where a service of the role is to be reached from its host."""
    for service in node.services:
        if service.name == name:
            address, port = min(service.published)
            return f"{'127.0.0.1' if address in ('0.0.0.0', '::') else address}:{port}"  # noqa: S104
    pytest.skip(f"{name} is not part of the stack here")


def api(node: Node, path: str) -> str:
    """Return a URL of Prometheus' HTTP API."""
    return f"http://{place_of(node, 'prometheus')}/api/v1/{path}"


def query(node: Node, expression: str) -> str:
    """Return the URL of an instant query."""
    return api(node, f"query?query={quote(expression)}")


def data(url: str, page: Mapping[str, Any]) -> Any:
    """Return what an answer holds.

    Raises:
        TaskError: there was none.

    """
    if page.get("status") != _OK:
        raise TaskError(f"{url} answers {page.get('status', page.get('error'))}")
    return json.loads(page["body"])["data"]


def refusal(page: Mapping[str, Any]) -> str:
    """Return why a query was refused, or nothing where it was not."""
    return str(json.loads(page["body"])["error"]) if page.get("status") in _REFUSED else ""


def known(node: Node, url: str) -> Any:
    """Return the answer to a question that was asked before the checks."""
    return data(url, node.page(url))


def asked(node: Node, *urls: str) -> dict[str, Mapping[str, Any]]:
    """Ask now, and return the pages by their URLs."""
    pages: dict[str, Mapping[str, Any]] = node.ask(Survey(urls=list(urls)))["urls"]
    return pages


def targets(node: Node) -> set[Target]:
    """Return what Prometheus was told to scrape."""
    files = {file.path: file for file in node.projects["monitoring"].files}
    config: Any = parse_yaml(files["prometheus/prometheus.yml"].content)
    return {
        (str(job["job_name"]), str(target))
        for job in config["scrape_configs"]
        for group in job["static_configs"]
        for target in group["targets"]
    }
