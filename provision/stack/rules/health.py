"""Rules about health checks, which gate every rollout."""

from __future__ import annotations

import shlex
from collections.abc import Iterator

from provision.stack.finding import Problem, Service, rule

_LACKING = {
    "prom/prometheus": {"curl"},
    "prom/alertmanager": {"curl"},
    "prometheus/node-exporter": {"curl"},
    "prom/node-exporter": {"curl"},
    "library/redis": {"curl", "wget"},
    "redis": {"curl", "wget"},
    "otel/opentelemetry-collector": None,
    "otel/opentelemetry-collector-contrib": None,
    "grafana/tempo": None,
}
"""Tools that well-known images do not have; None: they have none at all."""


@rule("healthcheck")
def healthcheck(service: Service) -> Iterator[Problem]:
    """Without one, a rollout takes a process that started for a service that works."""
    check = service.mapping("healthcheck")
    off = check.get("disable") or check.get("test") in ("NONE", ["NONE"])
    if (off or not check.get("test")) and not service.one_shot:
        yield Problem(
            "there is no health check", "add `healthcheck` with a tool that is in the image"
        )


@rule("healthcheck-form")
def healthcheck_form(service: Service) -> Iterator[Problem]:
    """A list must begin with CMD or CMD-SHELL; Docker takes anything else for a program's name."""
    test = service.mapping("healthcheck").get("test")
    if isinstance(test, list) and test[:1] not in (["CMD"], ["CMD-SHELL"], ["NONE"]):
        yield Problem(
            f"the health check begins with {test[0]!r}" if test else "the health check is empty",
            'begin the list with "CMD" or "CMD-SHELL"',
        )


@rule("healthcheck-tool")
def healthcheck_tool(service: Service) -> Iterator[Problem]:
    """A check runs inside the container, where there is no more than the image has."""
    repository = service.image.partition("@")[0]
    name = (
        repository[: repository.rindex(":")] if ":" in repository.rpartition("/")[2] else repository
    )
    for known, missing in _LACKING.items():
        if name != known and not name.endswith(f"/{known}"):
            continue
        used = _program(service)
        if used and (missing is None or used in missing):
            yield Problem(
                f"the health check runs {used!r}, which {name} does not have",
                "use a tool of the image" if missing else "the image has none: x-allow healthcheck",
            )
        return


def _program(service: Service) -> str:
    test = service.mapping("healthcheck").get("test")
    if isinstance(test, list):
        words = shlex.split(str(test[1])) if test[:1] == ["CMD-SHELL"] and test[1:] else test[1:]
    else:
        words = shlex.split(str(test or ""))
    return str(words[0]).rpartition("/")[2] if words else ""
