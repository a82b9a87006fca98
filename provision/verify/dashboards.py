"""Grafana's dashboards: the queries of their panels, as Prometheus gets them for all hosts."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any

from provision.errors import Location, UsageError
from provision.stack.model import ConfigFile

_FOLDER = "grafana/dashboards/"
_ABOUT = "job:"  # a tag `job:trainer` says whose metrics a dashboard shows
_EVERYTHING = ".*"
_SCRAPES = 4  # of which Grafana's $__rate_interval is made


@dataclass(frozen=True)
class PanelQuery:
    """A query of a panel, with Grafana's variables filled in."""

    dashboard: str
    panel: str
    expression: str


def panel_queries(
    files: Iterable[ConfigFile], *, jobs: Collection[str], scrape_seconds: float
) -> list[PanelQuery]:
    """Return the queries for Prometheus of every dashboard, each once.

    A dashboard about a job that is not scraped here is left out, and so is a query with a variable
    that only a person can choose.

    Args:
        files: the configuration of the monitoring role.
        jobs: what Prometheus scrapes.
        scrape_seconds: between two scrapes.

    Raises:
        UsageError: a dashboard is no JSON.

    """
    found: dict[PanelQuery, None] = {}
    for file in files:
        if not file.path.startswith(_FOLDER) or PurePath(file.path).suffix != ".json":
            continue
        board = _read(file)
        tags = [str(tag) for tag in board.get("tags") or ()]
        if {tag.removeprefix(_ABOUT) for tag in tags if tag.startswith(_ABOUT)} <= set(jobs):
            found.update(dict.fromkeys(_of_board(board, _SCRAPES * scrape_seconds)))
    return list(found)


def _read(file: ConfigFile) -> Mapping[str, Any]:
    try:
        board: Mapping[str, Any] = json.loads(file.content)
    except ValueError as error:
        raise UsageError(f"no valid JSON: {error}", where=Location(file.path)) from None
    return board


def _of_board(board: Mapping[str, Any], rate_seconds: float) -> Iterator[PanelQuery]:
    values = {it["name"]: _value(it) for it in (board.get("templating") or {}).get("list") or ()}
    values["__rate_interval"] = f"{max(round(rate_seconds), 1)}s"
    for panel in _panels(board):
        for target in panel.get("targets") or ():
            source = target.get("datasource") or panel.get("datasource") or {}
            expression = _filled(str(target.get("expr") or ""), values)
            if source.get("type") == "prometheus" and expression and "$" not in expression:
                yield PanelQuery(str(board["title"]), str(panel.get("title", "")), expression)


def _panels(part: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Yield panels; rows that are folded hold theirs."""
    for panel in part.get("panels") or ():
        yield panel
        yield from _panels(panel)


def _value(variable: Mapping[str, Any]) -> str:
    """Return what a variable stands for when a person has chosen nothing."""
    if variable.get("includeAll"):
        return str(variable.get("allValue") or _EVERYTHING)
    chosen = (variable.get("current") or {}).get("value")
    return chosen if isinstance(chosen, str) and chosen else _EVERYTHING


def _filled(expression: str, values: Mapping[str, str]) -> str:
    def value(match: re.Match[str]) -> str:
        return values.get(match["plain"] or match["braced"], match[0])

    return re.sub(r"\$(?:(?P<plain>\w+)|\{(?P<braced>\w+)(?::\w+)?\})", value, expression)
