"""What a release is: the same for the same content, and without secrets."""

from __future__ import annotations

import json

from provision.stack.release import Release, release_of, running_again
from provision.stack.render import render_role
from tests.unit.stack.cluster import HERE, SECRETS, projects, variables

HOST, ROLE = "buf-1", "experience_buffer"


def release(role: str = ROLE, digest: str = "sha256:1", **extra: object) -> Release:
    host = next(name for name, project in projects() if project.role == role)
    project = render_role(role, variables(host, **extra), project=HERE)
    return release_of(project, {image: f"{image}@{digest}" for image in project.images})


def test_the_same_is_the_same_release() -> None:
    assert release().id == release().id


def test_another_digest_is_another_release() -> None:
    assert release().id != release(digest="sha256:2").id


def test_another_secret_is_another_release() -> None:
    assert release().id != release(redis_password="another-password").id


def test_a_manifest_tells_no_secret_and_all_images() -> None:
    for role in {project.role for _, project in projects()}:
        made = release(role)
        manifest = json.dumps(made.manifest("r1", "ana@laptop"))
        assert not [secret for secret in SECRETS if secret in manifest]
        assert all(image.endswith("@sha256:1") for image in made.images.values())
        assert set(made.images.values()) == set(made.project.images)


def test_a_kept_release_is_started_as_it_was() -> None:
    made = release()
    manifest = {"release": made.id, **json.loads(json.dumps(made.manifest("r1", "ana@laptop")))}
    again = running_again(manifest, made.project.root)
    assert again.fields() == made.running().fields()
