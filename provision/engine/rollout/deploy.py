"""A deploy: lint, preflight, prepare, roles in order, verify."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import closing
from functools import partial
from pathlib import Path

from provision.engine.hooks import run_hook
from provision.engine.options import RunOptions
from provision.engine.play.playbook import load
from provision.engine.play.tags import refuse_unknown_tags
from provision.engine.preflight import preflight
from provision.engine.rollout.checking import verify_hosts
from provision.engine.rollout.gating import role_gates, roles_wanted
from provision.engine.rollout.images import pull
from provision.engine.rollout.pushing import Push
from provision.engine.rollout.rollout import Rollout
from provision.engine.run import Run
from provision.errors import ExitCode, UsageError
from provision.inventory.inventory import Inventory
from provision.playbook.model import Play
from provision.project import find
from provision.stack.lint import Finding, collisions, lint
from provision.stack.model import ComposeProject
from provision.stack.render import render_role
from provision.stack.roles import ROLES, roles_of

Projects = Mapping[str, tuple[ComposeProject, ...]]


def deploy(run: Run, plays: Sequence[Play], directory: Path, hosts: Sequence[str]) -> ExitCode:
    """Bring the hosts to a running, verified stack.

    Args:
        run: reaches them.
        plays: the deploy playbook's, those for groups without hosts left out.
        directory: of the playbook.
        hosts: the targeted ones.

    Raises:
        UsageError: the lint refuses what would be deployed; no host has been touched.

    """
    projects: dict[str, tuple[ComposeProject, ...]] = {}
    run.phase("lint", hosts, lambda: _lint(run, hosts, projects))
    if not run.options.push_images:
        return _deploy(run, plays, directory, projects, None)
    with closing(Push(run, projects)) as push:
        return _deploy(run, plays, directory, projects, push)


def _deploy(
    run: Run, plays: Sequence[Play], directory: Path, projects: Projects, push: Push | None
) -> ExitCode:
    hosts = list(projects)
    wanted = _wanted(run, plays, projects)
    if not run.phase("preflight", hosts, lambda: preflight(run, wanted)):
        return run.exit_code()
    if not run.options.check and not run.locks.take_all(hosts, "deploy"):
        return run.exit_code()
    run_hook(run, "pre-deploy", hosts, {})
    Rollout(run, plays, directory, partial(_fetch, run, projects, push)).carry_out()
    code = run.exit_code()
    sound = [host for host in hosts if not run.is_out(host)]
    if code is ExitCode.OK and sound and not (run.options.check or run.options.tags):
        code = verify_hosts(run, sound)
    point = "post-deploy" if code is ExitCode.OK else "deploy-failed"
    run_hook(run, point, hosts, {"EXIT_CODE": str(int(code))})
    return code


def _wanted(run: Run, plays: Sequence[Play], projects: Projects) -> Projects:
    """Leave out the roles that tags leave out: what they lack stops nobody from preparing hosts."""
    roles = {role for play in plays for role in roles_wanted(run, play)}
    return {
        host: tuple(project for project in each if project.role in roles)
        for host, each in projects.items()
    }


def _fetch(run: Run, projects: Projects, push: Push | None) -> bool:
    """Bring all images to the hosts before the first switch, unless few may be needed."""
    options = run.options
    is_narrow = bool(options.tags or options.skip_tags)
    if options.check or (is_narrow and push is None):
        return True
    hosts = [host for host in projects if not run.is_out(host)]
    return push.send(hosts) if push else pull(run, hosts, projects)


def load_deploy(inventory: Inventory, options: RunOptions) -> tuple[tuple[Play, ...], Path]:
    """Return the plays of ``playbooks/deploy.yml`` that this inventory has groups for.

    Raises:
        UsageError: the playbook is wrong, or has none of the tags that are asked for.

    """
    path = find("playbooks", "deploy.yml")
    plays = load(path)
    refuse_unknown_tags(plays, options)
    present = tuple(
        play for play in plays if play.hosts not in ROLES or play.hosts in inventory.groups
    )
    return present, path.parent


# -- lint -----------------------------------------------------------------------------------


def _lint(run: Run, hosts: Sequence[str], projects: dict[str, tuple[ComposeProject, ...]]) -> str:
    """Render everything for every host, and refuse it all at once where something is wrong."""
    problems: dict[str, list[str]] = {}
    for host in hosts:
        variables = {**run.fleet.context(host), **run.options.extra_vars}
        roles = roles_of(run.inventory.hosts[host].groups)
        projects[host] = tuple(render_role(role, variables) for role in roles)
        for role in roles:
            role_gates(run, role, host)  # refuses what cannot be meant
        for problem in _errors(projects[host]):
            problems.setdefault(problem, []).append(host)
    if problems:
        lines = [f"{text}\n    on {', '.join(names)}" for text, names in problems.items()]
        raise UsageError("the stack would not run as meant:\n  " + "\n  ".join(lines))
    services = sum(len(project.services) for host in hosts for project in projects[host])
    return f"{services} services"


def _errors(projects: Sequence[ComposeProject]) -> list[str]:
    findings = [finding for project in projects for finding in _lint_once(project)]
    return [
        f"{finding.where}: {finding.service or ''}: {finding.message} [{finding.rule}];"
        f" {finding.hint}"
        for finding in (*findings, *collisions(projects))
        if finding.level == "error"
    ]


_linted: dict[str, list[Finding]] = {}  # text of a project -> its findings


def _lint_once(project: ComposeProject) -> list[Finding]:
    """Lint each distinct text once: of a thousand trainers, nearly all are alike."""
    if project.text not in _linted:
        _linted[project.text] = lint(project)
    return _linted[project.text]
