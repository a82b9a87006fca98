"""What of Grafana's dashboards is asked of Prometheus."""

from __future__ import annotations

import json
from typing import Any

import pytest

from provision.errors import UsageError
from provision.stack.model import ConfigFile
from provision.verify.dashboards import PanelQuery, panel_queries
from tests.unit.verify.described import project

PROMETHEUS = {"type": "prometheus", "uid": "prometheus"}


def board(*expressions: str, **settings: Any) -> ConfigFile:
    panel = {
        "title": "P",
        "datasource": PROMETHEUS,
        "targets": [{"expr": it} for it in expressions],
    }
    content = json.dumps({"title": "D", "panels": [panel], **settings})
    return ConfigFile("grafana/dashboards/mine.json", "/mine.json", content)


def asked(*files: ConfigFile, jobs: tuple[str, ...] = ("node",)) -> list[str]:
    return [it.expression for it in panel_queries(files, jobs=jobs, scrape_seconds=15)]


def test_variables_of_grafana_are_filled_in() -> None:
    variables = [
        {"name": "host", "includeAll": True, "allValue": ".+"},
        {"name": "job", "includeAll": True},
        {"name": "mode", "current": {"value": "idle"}},
    ]
    text = 'rate(a{host=~"$host",job=~"${job:regex}",mode="${mode}"}[$__rate_interval])'
    filled = 'rate(a{host=~".+",job=~".*",mode="idle"}[60s])'
    assert asked(board(text, templating={"list": variables})) == [filled]


def test_what_only_a_person_can_choose_is_left_out() -> None:
    assert asked(board("a", 'b{c="$unheard"}')) == ["a"]


def test_a_query_that_two_panels_have_is_asked_once() -> None:
    assert asked(board("a", "a")) == ["a"]


def test_rows_that_are_folded_count() -> None:
    panel = {"title": "P", "targets": [{"expr": "a", "datasource": PROMETHEUS}]}
    assert asked(board(panels=[{"type": "row", "panels": [panel]}])) == ["a"]


def test_other_data_sources_are_not_asked() -> None:
    panel = {"datasource": {"type": "tempo"}, "targets": [{"expr": "{}"}]}
    assert asked(board(panels=[panel])) == []


def test_a_dashboard_about_what_is_not_scraped_is_left_out() -> None:
    file = board("a", tags=["generals", "job:node", "job:dcgm"])
    assert asked(file) == []
    assert asked(file, jobs=("node", "dcgm")) == ["a"]


def test_the_shipped_dashboards() -> None:
    files = project("work-1", "monitoring").files
    of_all = panel_queries(files, jobs=("node",), scrape_seconds=15)
    assert {it.dashboard for it in of_all} == {"Cluster"}
    jobs = ("node", "dcgm", "game_server", "experience_buffer", "trainer", "agent_pool")
    more = panel_queries(files, jobs=(*jobs, "model_server"), scrape_seconds=15)
    assert {it.dashboard for it in more} == {"Cluster", "GPU", "Training"}
    assert PanelQuery("GPU", "GPUs", "count(DCGM_FI_DEV_GPU_UTIL)") in more
    assert not any("$" in it.expression for it in more)


def test_a_dashboard_that_is_no_json_is_named() -> None:
    file = ConfigFile("grafana/dashboards/mine.json", "/mine.json", "{'a': 1}")
    with pytest.raises(UsageError, match="no valid JSON") as caught:
        asked(file)
    assert str(caught.value.where) == "grafana/dashboards/mine.json"
