"""A role of the stack, running on a host."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from provision.agent.resources.compose_project import ComposeProject as RunningProject
from provision.agent.resources.copy import Copy
from provision.agent.resources.directory import Directory
from provision.agent.resources.docker_image import DockerImage
from provision.errors import TaskError
from provision.stack.lint import lint
from provision.stack.model import ComposeProject, ConfigFile
from provision.stack.render import render_role
from provision.tasks.host import Host
from provision.tasks.task import task

_SPEC_LABEL = "io.provision.spec"  # see provision.agent.resources.compose_project


@task
def compose_project(host: Host, *, role: str, health_timeout: int = 180) -> None:
    """Render, lint, upload, pull, start, and wait until everything is healthy.

    Args:
        role: a template ``templates/compose/<role>.yml.j2``.
        health_timeout: in seconds, after all containers have been started.

    """
    project = render_role(role, host.variables)
    _refuse_findings(project)
    _directories(host, project)
    for file in project.files:
        _upload(host, file)
    if project.images:
        host.apply(DockerImage(name=list(project.images)))
    running = running_project(project, health_timeout)
    text = project.with_labels(_SPEC_LABEL, _spec).text
    host.apply(Copy(dest=running.file, content=text, mode=0o600))
    host.apply(running)


def running_project(project: ComposeProject, health_timeout: float = 180) -> RunningProject:
    """Return what the host is to make of a project; asked only to check, it tells the drift.

    Args:
        project: as rendered, without the label that tells a service's configuration.
        health_timeout: in seconds.

    """
    labelled = project.with_labels(_SPEC_LABEL, _spec)
    return RunningProject(
        project=project.name,
        file=f"{project.root}/compose.yml",
        services={name: _wish(service) for name, service in labelled.services.items()},
        health_timeout=health_timeout,
    )


def _refuse_findings(project: ComposeProject) -> None:
    errors = [finding for finding in lint(project) if finding.level == "error"]
    if errors:
        first = errors[0]
        raise TaskError(
            f"{first.service}: {first.message} [{first.rule}]", where=first.where, hint=first.hint
        )


def _directories(host: Host, project: ComposeProject) -> None:
    host.apply(Directory(path=project.root, owner="root", group="root", mode=0o755))
    host.apply(Directory(path=f"{project.root}/config", owner="root", group="root", mode=0o755))
    for directory in project.directories:
        owner, group = directory.owner or (0, 0)
        host.apply(
            Directory(path=directory.path, owner=str(owner), group=str(group), mode=directory.mode)
        )


def _upload(host: Host, file: ConfigFile) -> None:
    """Write a mounted file; its path holds its digest, so nothing that runs is disturbed."""
    owner, group = file.owner or (0, 0)
    host.apply(Directory(path=file.dest.rpartition("/")[0], mode=0o755))
    host.apply(
        Copy(
            dest=file.dest,
            content=file.content,
            mode=file.mode,
            owner=str(owner),
            group=str(group),
            secret=file.secret,
        ),
        name=f"config {file.path}",
    )


def _spec(service: dict[str, Any]) -> str:
    """Return a hash of a service's part of the model."""
    text = json.dumps(service, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _wish(service: dict[str, Any]) -> dict[str, Any]:
    """Return what the host compares with its containers."""
    return {
        "spec": service["labels"][_SPEC_LABEL],
        "image": service["image"],
        "replicas": int((service.get("deploy") or {}).get("replicas", service.get("scale", 1))),
        "has_health": bool(service.get("healthcheck"))
        and not service["healthcheck"].get("disable", False),
        "one_shot": service.get("restart", "no") == "no",
    }
