"""A role of the stack, running on a host."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from provision.agent.resource import Query
from provision.agent.resources.copy import Copy
from provision.agent.resources.current_release import CurrentRelease
from provision.agent.resources.directory import Directory
from provision.agent.resources.docker_image import DockerImage
from provision.agent.resources.pruned_releases import PrunedReleases
from provision.agent.resources.release import Release as ReleaseOnHost
from provision.errors import TaskError
from provision.images.digests import NoDockerError
from provision.stack.lint import lint
from provision.stack.model import ComposeProject, ConfigFile
from provision.stack.release import Release, release_of
from provision.stack.render import render_role
from provision.tasks.deployed import Deployed
from provision.tasks.host import Host
from provision.tasks.task import task


@task
def compose_project(
    host: Host, *, role: str, health_timeout: int = 180, keep_releases: int = 5
) -> None:
    """Render, lint, upload, pull, start, wait until everything is healthy, and make it current.

    Args:
        role: a template ``templates/compose/<role>.yml.j2``.
        health_timeout: in seconds, after all containers have been started.
        keep_releases: how many releases stay on the host, at least the current and the one before.

    """
    project = render_role(role, host.variables)
    _refuse_findings(project)
    release = release_of(project, digests(host, project.images), health_timeout)
    _prepare(host, release)
    if release.images:
        credentials = host.run.logins.known()
        host.apply(DockerImage(name=sorted(release.images.values()), credentials=credentials))
    host.apply(release.running())
    _make_current(host, release, keep_releases)


def digests(host: Host, images: Sequence[str]) -> Mapping[str, str]:
    """Return what images are called with their digests, those without one as they are named.

    Where Docker is still to be installed, and the run only tells what it would do, nobody knows.
    """
    if not images:
        return {}

    def ask(query: Query) -> dict[str, object]:
        return host.ask(query, name="image digests", no_log=True)

    try:
        return host.run.images.resolve(images, ask, host.run.logins.known())
    except NoDockerError:
        if not host.check:
            raise
        return {}


def _refuse_findings(project: ComposeProject) -> None:
    errors = [finding for finding in lint(project) if finding.level == "error"]
    if errors:
        first = errors[0]
        raise TaskError(
            f"{first.service}: {first.message} [{first.rule}]", where=first.where, hint=first.hint
        )


def _prepare(host: Host, release: Release) -> None:
    """Write everything down that the release needs; what runs is not disturbed."""
    project = release.project
    host.apply(Directory(path=project.root, owner="root", group="root", mode=0o755))
    host.apply(Directory(path=f"{project.root}/config", owner="root", group="root", mode=0o755))
    for directory in project.directories:
        owner, group = directory.owner or (0, 0)
        host.apply(
            Directory(path=directory.path, owner=str(owner), group=str(group), mode=directory.mode)
        )
    for file in project.files:
        _upload(host, file)
    host.apply(
        ReleaseOnHost(
            root=project.root,
            release=release.id,
            compose=project.text,
            manifest=release.manifest(host.run.id, host.run.by),
        ),
        name=f"release {release.id}",
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


def _make_current(host: Host, release: Release, keep: int) -> None:
    """Only now: what ``current`` leads to has been well, and is what a failure goes back to."""
    project = release.project
    current = host.apply(
        CurrentRelease(
            root=project.root,
            role=project.role,
            release=release.id,
            entry=host.run.entry("deploy"),
        ),
        name="current release",
    )
    host.deployed(current, Deployed(project.role, release.id, release.images))
    host.apply(PrunedReleases(root=project.root, role=project.role, keep=keep), name="old releases")
