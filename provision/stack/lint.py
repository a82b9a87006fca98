"""Refuses what Compose would accept and then do wrongly, before any host is touched."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator

from provision.errors import Location
from provision.stack.finding import Finding, Problem, Service
from provision.stack.model import ComposeProject
from provision.stack.rules import RULES
from provision.stack.rules.ports import published
from provision.stack.schema import violations

__all__ = ["RULES", "Finding", "collisions", "lint"]


def lint(project: ComposeProject) -> list[Finding]:
    """Return the findings for one project, errors first.

    A service may do what a rule forbids where it says why: ``x-allow: {<rule>: <reason>}``.
    """
    where = Location(project.source) if project.source else None
    findings = [*_version(project, where)]
    for name, spec in project.services.items():
        service = Service(name, spec, project.model)
        allowed = service.mapping("x-allow")
        for rule, check in RULES.items():
            if not str(allowed.get(rule) or "").strip():
                findings += [_finding(rule, name, problem, where) for problem in check(service)]
    findings += _schema(project, {finding.service for finding in findings}, where)
    return sorted(findings, key=lambda f: (f.level, f.service or "", f.rule))


def collisions(projects: Iterable[ComposeProject]) -> list[Finding]:
    """Return a finding for every port that two services of one host publish on the same address."""
    takers: dict[tuple[str, int, str], list[tuple[ComposeProject, str]]] = defaultdict(list)
    for project in projects:
        for name, spec in project.services.items():
            for port in published(Service(name, spec, project.model)):
                for number in port.numbers:
                    takers[port.address, number, port.protocol].append((project, name))
    return [
        Finding(
            "port-collision",
            "error",
            services[-1][1],
            f"port {number}/{protocol} of {address or 'all addresses'} is published by "
            + " and ".join(sorted({name for _, name in services})),
            "give one of them another port, see templates/compose/defaults.yml",
            Location(services[-1][0].source),
        )
        for (address, number, protocol), services in takers.items()
        if len(services) > 1
    ]


def _finding(rule: str, service: str | None, problem: Problem, where: Location | None) -> Finding:
    return Finding(rule, problem.level, service, problem.message, problem.hint, where)


def _version(project: ComposeProject, where: Location | None) -> Iterator[Finding]:
    if "version" in project.model:
        problem = Problem(
            "the key `version` is obsolete", "remove it: Compose ignores it and warns", "warning"
        )
        yield _finding("version-key", None, problem, where)


def _schema(
    project: ComposeProject, reported: set[str | None], where: Location | None
) -> Iterator[Finding]:
    """Yield what the schema refuses, except in services where a rule has said it better."""
    for path, message, hint in violations(project.model):
        service = path[1] if path[:1] == ("services",) and len(path) > 1 else None
        if service is None or service not in reported:
            yield _finding("schema", service, Problem(message, hint), where)
