"""How the training goes, in a few numbers that the monitoring host's Prometheus answers."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

_FEWEST_GAMES = 20  # against the random player, below which a share of them says little
_SCRAPES = 4  # within a window: a rate needs two, and one may be missed
_GAMES = 'generals_agent_games_total{opponent="random"'


@dataclass(frozen=True)
class Measure:
    """One number of the training.

    Args:
        name: what programs and conditions call it.
        title: what people read.
        query: PromQL; ``$window`` is long enough for a rate.
        kind: ``rate``, ``share`` (0 to 1), ``number`` or ``count``.

    """

    name: str
    title: str
    query: str
    kind: str


MEASURES = (
    Measure("games", "games/s", "sum(rate(generals_games_finished_total[$window]))", "rate"),
    Measure("steps", "steps/s", "sum(rate(generals_ticks_total[$window]))", "rate"),
    Measure(
        "buffer_fill",
        "buffer",
        "sum(generals_buffer_fill) / sum(generals_buffer_capacity)",
        "share",
    ),
    Measure("updates", "updates/s", "max(rate(generals_learner_updates_total[$window]))", "rate"),
    Measure("loss", "loss", 'avg(generals_learner_loss{part="loss"})', "number"),
    Measure(
        "win_rate",
        "wins against random",
        f'sum(increase({_GAMES},result="won"}}[3m])) / sum(increase({_GAMES}}}[3m]))'
        f" and on () sum(increase({_GAMES}}}[3m])) >= {_FEWEST_GAMES}",
        "share",
    ),
    Measure("version", "newest model", "max(generals_model_latest_version)", "count"),
    Measure("promoted", "promoted model", "max(generals_model_promoted_version)", "count"),
)
_AGENTS = "generals_agent_model_version"


@dataclass(frozen=True)
class Training:
    """What Prometheus says.

    Args:
        values: of the measures that there is something to say about, by name.
        agents: the model version that each agent plays, by ``host/number``.
        url: of Prometheus, to look further.
        problem: why there is nothing at all.

    """

    values: Mapping[str, float] = field(default_factory=dict)
    agents: Mapping[str, int] = field(default_factory=dict)
    url: str = ""
    problem: str = ""


def questions(variables: Mapping[str, Any]) -> dict[str, str]:
    """Return what to GET from the Prometheus of a host: name -> URL.

    Args:
        variables: the monitoring host's, over the defaults of the stack's templates.

    """
    base = f"http://{variables['bind_address']}:{variables['prometheus_port']}/api/v1/query?query="
    window = f"{max(60, _SCRAPES * int(variables['prometheus_scrape_seconds']))}s"
    queries = {measure.name: measure.query for measure in MEASURES} | {"agents": _AGENTS}
    return {name: base + quote(query.replace("$window", window)) for name, query in queries.items()}


def training_of(urls: Mapping[str, str], answers: Mapping[str, Mapping[str, Any]]) -> Training:
    """Return what the answers amount to.

    Args:
        urls: as ``questions`` returned them.
        answers: of ``Survey``, by URL.

    """
    found: dict[str, list[dict[str, Any]]] = {}
    base = next(iter(urls.values())).partition("/api/")[0]
    for name, url in urls.items():
        try:
            found[name] = json.loads(answers[url]["body"])["data"]["result"]
        except (KeyError, TypeError, ValueError):
            problem = answers[url].get("error") or f"HTTP status {answers[url].get('status')}"
            return Training(url=base, problem=f"Prometheus at {base}: {problem}")
    agents = {_agent(sample): int(_value(sample)) for sample in found.pop("agents")}
    values = {name: _value(samples[0]) for name, samples in found.items() if samples}
    real = {name: value for name, value in values.items() if not math.isnan(value)}  # 0/0
    return Training(real, dict(sorted(agents.items())), base)


def _value(sample: Mapping[str, Any]) -> float:
    return float(sample["value"][1])


def _agent(sample: Mapping[str, Any]) -> str:
    return f"{sample['metric'].get('host', '?')}/{sample['metric'].get('replica', '0')}"
