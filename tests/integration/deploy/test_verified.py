"""Verification of hosts that somebody has broken by hand: every fault is found, and only those."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from tests.integration.commandline import Project

from .conftest import OnHost

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("deployed")]

STAND_IN = Path(__file__).with_name("grafana_stand_in.py")
GRAFANA = "registry.lab.test:5000/grafana-stand-in:1"
WITH_GRAFANA = json.dumps(
    {
        "grafana_image": GRAFANA,
        "grafana_health": ["CMD", "generals-health", "http://127.0.0.1:3000/api/health"],
    }
)
REDIS = "$(docker ps -qf label=com.docker.compose.service=redis)"
CONFIG = "/usr/local/etc/redis/redis.conf"
DISGUISED = (  # what Compose takes for one of its own, and no rule is kept
    "docker run -d --name disguised --label com.docker.compose.project=generals-game-server"
    " --label com.docker.compose.service=game-server-0 --label com.docker.compose.oneoff=False"
    " --user 0 --pid host --entrypoint sleep"
    " registry.lab.test:5000/reference:lab 1000"
)

# host: (what is done to it, check -> what is found)
FAULTS: dict[str, tuple[str, dict[str, str]]] = {
    "h1": (
        # The way is shut for one host alone: from inside all is well.
        "iptables -I DOCKER-USER -p tcp --dport 50051 -j REJECT --reject-with tcp-reset;"
        f'docker exec {REDIS} sh -c \'REDISCLI_AUTH=$(sed -n "s/^requirepass \\"\\(.*\\)\\"$/\\1/p"'
        f' {CONFIG}) redis-cli config set protected-mode no requirepass ""\';'
        f"{DISGUISED};"
        "chmod 644 /opt/generals/experience_buffer/config/*/service.env;"
        "apt-mark unhold docker.io; chmod 666 /var/run/docker.sock",
        {
            "experience_buffer: Redis refuses who does not know the password": "answers '*",
            "network: Containers publish exactly the ports": "disguised does not publish",
            "security: No container runs as root": "disguised runs as root",
            "security: No container can write to its image's files": "disguised can",
            "security: No container can gain privileges": "disguised can",
            "security: No container has capabilities": "disguised keeps Docker's default ones",
            "security: No container shares a namespace": "disguised shares its processes",
            "security: Every container has limits": "disguised has no limit of memory; disguised",
            "security: Every image from a registry is named by its digest": "a tag may move",
            "security: No secret can be read by every user": "service.env 0644",
            "security: Not everybody on the host can use the Docker socket": "0666",
            "docker: Docker's packages are held": "docker.io",
        },
    ),
    "h2": (
        "docker stop -t 1 $(docker ps -qf label=com.docker.compose.service=node-exporter);"
        "nohup python3 -m http.server 8099 </dev/null >/dev/null 2>&1 &"
        "docker run -d --name stranger -p 8077:80 --entrypoint sleep"
        " registry.lab.test:5000/reference:lab 1000;"
        "rm /etc/apt/apt.conf.d/52provision-*; usermod -s /bin/bash generals;"
        "chmod 777 /opt/generals; echo '{}' > /etc/docker/daemon.json",
        {
            "reach: Every gRPC server that its services use": "50051: connection refused",
            "host: Every service runs": "node-exporter-1 is exited",
            "network: Nothing listens on a public address": "python3 on tcp 0.0.0.0:8099",
            "network: No container that is not ours publishes": "stranger publishes 0.0.0.0:8077",
            "base: No unattended upgrade touches": "docker is not",
            "base: The account that owns the services' data": "the shell /bin/bash",
            "base: Its directories can be written": "/opt/generals 0777",
            "docker: The settings in daemon.json": "no `live-restore: true`",
        },
    ),
    "h3": (
        "echo admin > /var/lib/generals/grafana/password-of-the-stand-in;"
        "docker restart -t 1 $(docker ps -qf label=com.docker.compose.service=grafana);"
        "timeout 60 sh -c 'until docker ps -qf label=com.docker.compose.service=grafana"
        " -f health=healthy | grep -q .; do sleep 1; done';"
        "rm /etc/systemd/journald.conf.d/provision.conf",
        {
            "monitoring: Grafana refuses its default password": "HTTP/1.0 200",
            "monitoring: Prometheus reaches every target": "node at ",
            "base: The journal cannot fill the disk": "no limit",
        },
    ),
}
MENDED = {  # what a deploy leaves alone: it is somebody's, or Docker's own state
    "h1": "iptables -D DOCKER-USER 1; docker rm -f disguised; chmod 660 /var/run/docker.sock;"
    f"docker restart {REDIS}",
    "h2": "docker rm -f stranger; pkill -f '[h]ttp.server 8099'",
    "h3": "rm /var/lib/generals/grafana/password-of-the-stand-in;"
    "docker restart $(docker ps -qf label=com.docker.compose.service=grafana)",
}


@pytest.fixture(scope="module")
def with_grafana(project: Project, on_host: OnHost) -> None:
    """Deploy the stand-in for Grafana, where the monitoring runs."""
    encoded = base64.b64encode(STAND_IN.read_bytes()).decode()
    on_host(
        "h3",
        f"mkdir -p /tmp/stand-in && cd /tmp/stand-in && echo {encoded} | base64 -d > grafana.py"
        " && printf 'FROM registry.lab.test:5000/reference:lab\\nCOPY grafana.py /\\n"
        'ENTRYPOINT ["python3", "/grafana.py"]\\n\' > Dockerfile'
        f" && docker build -q -t {GRAFANA} . && docker push -q {GRAFANA}",
    )
    done = project.run("deploy", "--tags", "monitoring", "-e", WITH_GRAFANA)
    assert done.code == 0, done.shown


def failures(events: list[dict[str, Any]], host: str) -> dict[str, str]:
    """Return what was found, by check, of those that failed on a host."""
    failed = [it for it in events if it["host"] == host and it["status"] == "failed"]
    assert all(it["expected"] and it["found"] and it["hint"] for it in failed), failed
    return {it["task"]: it["found"] for it in failed}


@pytest.mark.usefixtures("with_grafana")
def test_every_fault_is_found_and_a_deploy_mends_it(project: Project, on_host: OnHost) -> None:
    well = project.run("verify", "-e", WITH_GRAFANA)
    assert well.code == 0, well.shown
    for host, (script, _) in FAULTS.items():
        on_host(host, script)
    ill = project.run("verify", "-e", WITH_GRAFANA, "--json")
    assert ill.code == 5, ill.shown
    events = ill.events("task_finished")
    for host, (_, expected) in FAULTS.items():
        found = failures(events, host)
        for check, words in expected.items():
            name = next((it for it in found if it.startswith(check)), None)
            assert name is not None, (host, check, found)
            assert words in found.pop(name), (host, name)
        assert found == {}, host
    for host, script in MENDED.items():
        on_host(host, script)
    mended = project.run("deploy", "-e", WITH_GRAFANA)
    assert mended.code == 0, mended.shown  # it ends with the same checks
