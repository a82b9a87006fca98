"""A host that no registry serves, and images of this machine for it."""

from __future__ import annotations

import io
import json
import os
import tarfile
from collections.abc import Callable, Iterator
from typing import Any

import docker
import pytest
import yaml

from provision.lab import base
from provision.lab.images import Images
from provision.lab.lab import Lab
from provision.source import load_yaml
from tests.integration.releases.conftest import TEMPLATE, Cluster
from tests.labs import lab_for

IMAGE = "pushed.example.com/web"
Build = Callable[[str, int], str]


@pytest.fixture(scope="package")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    with lab_for("push", tmp_path_factory) as made:
        made.up(1, with_images=False)
        yield made


@pytest.fixture(scope="package")
def build() -> Iterator[Build]:
    """Make ``IMAGE`` of a version here, with a layer of so many bytes on top; returns its id."""
    client = docker.from_env(timeout=300)
    debian = base.ensure(Images(client, print))
    made = []

    def build(version: str, size: int) -> str:
        context = io.BytesIO()
        with tarfile.open(fileobj=context, mode="w") as archive:
            for name, content in (
                ("Dockerfile", f"FROM {debian}\nCOPY layer /layer\n".encode()),
                ("layer", os.urandom(size)),
            ):
                entry = tarfile.TarInfo(name)
                entry.size = len(content)
                archive.addfile(entry, io.BytesIO(content))
        context.seek(0)
        image, _ = client.images.build(
            fileobj=context, custom_context=True, tag=f"{IMAGE}:{version}"
        )
        made.append(f"{IMAGE}:{version}")
        return str(image.id)

    yield build
    for name in dict.fromkeys(made):
        client.images.remove(name, force=True)


@pytest.fixture(scope="package")
def cluster(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Cluster:
    """The host, prepared; it knows no registry."""
    project = tmp_path_factory.mktemp("project")
    for name, text in (
        ("compose/game_server.yml.j2", TEMPLATE),
        ("config/game_server/service.env.j2", "A=b\n"),
    ):
        path = project / "templates" / name
        path.parent.mkdir(parents=True)
        path.write_text(text)
    inventory: Any = json.loads(json.dumps(load_yaml(lab.inventory_file)))["all"]
    variables = {key: value for key, value in inventory["vars"].items() if key != "registry"}
    variables |= {"web_health": ["CMD", "/bin/true"], "web_image": f"{IMAGE}:{{{{ version }}}}"}
    variables |= dict.fromkeys(("game_server_image", "node_exporter_image"), "{{ web_image }}")
    hosts = inventory["hosts"]
    group = {"game_server": {"hosts": dict.fromkeys(hosts)}}
    document = {"all": {"vars": variables, "hosts": hosts, "children": group}}
    (project / "hosts.yml").write_text(yaml.safe_dump(document))
    made = Cluster(project, lab.hosts)
    made.run("deploy", "--tags", "prepare")
    return made
