"""One host with two simulated GPUs, and a trainer so small that it is there in a second."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import yaml

from provision.lab.lab import Lab
from provision.source import load_yaml
from tests.integration.commandline import Ended, Project
from tests.labs import lab_for

OnHost = Callable[[str], str]

# It wants one of the two GPUs, and takes its time to end: as a trainer that writes a checkpoint.
TRAINER = """
{% import "compose/_stack.j2" as stack with context %}
{% include "compose/_hardened.yml.j2" %}
services:
  trainer:
    <<: *hardened
    image: tiny:1
    entrypoint:
      - /bin/sh
      - -c
      - trap "sleep 2; date >> /data/ended; exit 0" TERM; while true; do sleep 0.2; done
    volumes: ["{{ data_root }}/trainer:/data"]
    healthcheck: {test: [CMD, /bin/true], interval: 1s}
    deploy:
      resources:
        reservations:
          devices:
            - {driver: cdi, device_ids: {{ gpu_devices | to_json }}, capabilities: [gpu]}
    {{ stack.limits("64m", 0.5, 32) | indent(4) }}
    stop_grace_period: 10s
"""
IMAGE = (
    "apt-get install -qq --no-install-recommends busybox-static >/dev/null 2>&1;"
    " mkdir -p /tmp/tiny/bin && cd /tmp/tiny && cp /usr/bin/busybox bin/"
    " && for it in sh ls sleep true date cat; do ln -sf busybox bin/$it; done;"
    " tar -C /tmp/tiny -c . | docker import - tiny:1"
)


@pytest.fixture(scope="package")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """One host, without the images' registry; the package repository is there."""
    with lab_for("toolkit", tmp_path_factory) as made:
        made.up(1, with_images=False, simulated_gpus=2)
        yield made


@pytest.fixture(scope="package")
def project(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project whose one host is a trainer, and nothing else."""
    directory = tmp_path_factory.mktemp("project")
    inventory: Any = load_yaml(lab.inventory_file)["all"]
    variables = json.loads(json.dumps(inventory["vars"]))
    del variables["registry"]
    tree = {
        "vars": {**variables, "gpu_devices": ["nvidia.com/gpu=0"], "node_exporter_image": "tiny:1"},
        "hosts": json.loads(json.dumps(inventory["hosts"])),
        "children": {"trainer": {"hosts": {"h1": {}}}},
    }
    path = directory / "hosts.yml"
    path.write_text(yaml.safe_dump({"all": tree}))
    made = Project(directory, path)
    made.write("templates/compose/trainer.yml.j2", TRAINER)
    return made


@pytest.fixture(scope="package")
def on_host(lab: Lab) -> OnHost:
    """Run a shell script as root on the host, around SSH, and return what it says."""

    def run(script: str) -> str:
        done = lab.exec("h1", ["/bin/sh", "-c", script], timeout=120)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout.strip()

    return run


@pytest.fixture(scope="package")
def prepare(project: Project) -> Callable[..., Ended]:
    """Prepare the host, with these variables."""

    def run(*arguments: str, **variables: object) -> Ended:
        return project.run("deploy", "--tags", "prepare", "-e", json.dumps(variables), *arguments)

    return run


@pytest.fixture(scope="package")
def prepared(prepare: Callable[..., Ended], on_host: OnHost) -> Ended:
    """The first preparation, with the older toolkit."""
    first = prepare(nvidia_container_toolkit_version="1.17.8-1")
    assert first.code == 0, first.shown
    on_host(IMAGE)
    return first


@pytest.fixture(scope="package")
def deployed(prepared: Ended, prepare: Callable[..., Ended], project: Project) -> None:
    """The newer toolkit, and the trainer at work."""
    newer = prepare()
    assert newer.code == 0, newer.shown
    done = project.run("deploy", "--tags", "trainer")
    assert done.code == 0, done.shown
