"""Work is not lost: data is kept, checkpoints are written, and only what changed is restarted."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from tests.integration.releases.conftest import Cluster

pytestmark = pytest.mark.integration

# The shipped Redis with its shipped settings, and beside it a service with a file of its own.
BUFFER = """
{% import "compose/_stack.j2" as stack with context %}
{% include "compose/_hardened.yml.j2" %}
x-files:
  redis.conf: {secret: true}
services:
  redis:
    <<: *hardened
    image: {{ redis_image | to_json }}
    command: [redis-server, /usr/local/etc/redis/redis.conf]
    user: {{ redis_user | string | to_json }}
    volumes:
      - ./redis.conf:/usr/local/etc/redis/redis.conf:ro
      - {{ data_root }}/redis:/data
    healthcheck:
      test: ["CMD-SHELL", "redis-cli --user health --pass health ping | grep -q PONG"]
      interval: 1s
    {{ stack.limits(redis_memory, redis_cpus, redis_pids) | indent(4) }}
    stop_grace_period: 60s
  reader:
    <<: *hardened
    image: {{ redis_image | to_json }}
    entrypoint: [sleep, "86400"]
    volumes: ["./reader.conf:/etc/reader.conf:ro"]
    healthcheck: {test: ["CMD", "true"], interval: 1s}
    {{ stack.limits("64m", 0.5, 32) | indent(4) }}
    stop_grace_period: 1s
"""
# Asked to end, it writes a checkpoint, which takes longer than Docker's own patience would be.
TRAINER = """
{% import "compose/_stack.j2" as stack with context %}
{% include "compose/_hardened.yml.j2" %}
services:
  trainer:
    <<: *hardened
    image: {{ redis_image | to_json }}
    entrypoint:
      - sh
      - -c
      - |
        trap 'sleep 12; date +%s > /checkpoints/written; exit' TERM
        while :; do sleep 0.2; done
    environment: {VERSION: "{{ trainer_version | default(1) }}"}
    volumes: ["{{ data_root }}/checkpoints:/checkpoints"]
    healthcheck: {test: ["CMD", "true"], interval: 1s}
    {{ stack.limits("64m", 0.5, 32) | indent(4) }}
    stop_grace_period: 40s
"""
TAGS = ("--tags", "experience_buffer,trainer")
LATER = '{"trainer_version": 2}'
WRITTEN = "cat /var/lib/generals/checkpoints/written"
TALK = "docker exec generals-experience-buffer-redis-1 redis-cli --no-auth-warning -a word "


@pytest.fixture(scope="module", autouse=True)
def work(cluster: Cluster) -> Iterator[None]:
    """Both roles run on the first host."""
    for role, template in (("experience_buffer", BUFFER), ("trainer", TRAINER)):
        path = cluster.project / f"templates/compose/{role}.yml.j2"
        path.write_text(template)
    config = cluster.project / "templates/config/experience_buffer"
    config.mkdir(parents=True)
    (config / "reader.conf.j2").write_text("{{ reader_setting | default('one') }}\n")
    hosts = {"hosts": {"h1": {}}}
    (cluster.project / "work.yml").write_text(
        json.dumps(
            {
                "experience_buffer": {**hosts, "vars": {"redis_password": "word"}},
                "trainer": hosts,
            }
        )
    )
    deploy(cluster)
    yield
    cluster.run("destroy", "-i", "work.yml", "--yes", "--volumes")


def deploy(cluster: Cluster, *more: str) -> str:
    """Deploy both roles."""
    return cluster.run("deploy", "-i", "work.yml", *TAGS, *more).stdout


def containers(cluster: Cluster) -> dict[str, str]:
    """Return the ids of the first host's containers, by name."""
    listed = cluster.on("h1", "docker ps --no-trunc --format '{{.Names}} {{.ID}}'").splitlines()
    return dict(line.split() for line in listed)


def restarted(before: dict[str, str], after: dict[str, str]) -> set[str]:
    """Return the services that have another container now."""
    return {name.removeprefix("generals-") for name in after if before.get(name) != after[name]}


def test_a_changed_role_restarts_alone_and_its_checkpoint_is_written(cluster: Cluster) -> None:
    before = containers(cluster)
    deploy(cluster, "-e", LATER)
    assert restarted(before, containers(cluster)) == {"trainer-trainer-1"}
    assert cluster.on("h1", WRITTEN).isdigit()


def test_a_changed_file_restarts_what_mounts_it(cluster: Cluster) -> None:
    before = containers(cluster)
    deploy(cluster, "-e", LATER, "-e", "reader_setting=two")
    assert restarted(before, containers(cluster)) == {"experience-buffer-reader-1"}


def test_what_redis_was_told_last_outlives_its_restart(cluster: Cluster) -> None:
    cluster.on("h1", TALK + "set experience precious")
    before = containers(cluster)
    deploy(cluster, "-e", LATER, "-e", "reader_setting=two", "-e", "redis_memory=200m")
    assert restarted(before, containers(cluster)) == {"experience-buffer-redis-1"}
    assert cluster.on("h1", TALK + "get experience") == "precious"


def test_down_is_the_reverse_of_up_and_waits_for_the_checkpoint(cluster: Cluster) -> None:
    up = phases(deploy(cluster, "--json"))
    cluster.on("h1", "rm -f /var/lib/generals/checkpoints/written")
    down = phases(cluster.run("destroy", "-i", "work.yml", "--yes", "--json").stdout)
    roles = ["experience buffer", "trainer"]
    assert [phase for phase in up if phase in roles] == roles
    assert [it.replace("_", " ") for it in down if it.replace("_", " ") in roles] == roles[::-1]
    assert cluster.on("h1", WRITTEN).isdigit()
    deploy(cluster)


def phases(output: str) -> list[str]:
    """Return the phases of a run with ``--json``, in their order."""
    events = [json.loads(line) for line in output.splitlines() if line.startswith("{")]
    return [event["phase"] for event in events if event["event"] == "phase_started"]
