"""Docker's resources against a real daemon and a real registry with a password, all on one host."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from typing import Any

import pytest
import yaml

from provision.agent.resources import load
from provision.transport.channel import AgentChannel
from provision.transport.result import Result

pytestmark = pytest.mark.integration

REGISTRY = "localhost:5000"  # Docker asks no certificate of loopback
IMAGE = f"{REGISTRY}/probe:1"
PREPARE = """
set -e
apt-get update -qq
apt-get install -y -qq --no-install-recommends busybox-static docker-registry apache2-utils >&2
mkdir -p /root/image/bin /root/image/tmp && cp /bin/busybox /root/image/bin/
for applet in sh sleep echo true test; do ln -sf busybox /root/image/bin/$applet; done
htpasswd -Bbn lab hunter2 > /etc/docker/registry/htpasswd
cat > /etc/docker/registry/config.yml <<END
version: 0.1
storage: {filesystem: {rootdirectory: /var/lib/docker-registry}}
http: {addr: "127.0.0.1:5000"}
auth: {htpasswd: {realm: lab, path: /etc/docker/registry/htpasswd}}
END
chmod 644 /etc/docker/registry/htpasswd
systemctl restart docker-registry
"""
PUSH = f"""
set -e
tar -C /root/image -c . | docker import -c 'CMD ["sleep", "1000"]' - {IMAGE}
echo hunter2 | docker login -u lab --password-stdin {REGISTRY}
docker push -q {IMAGE}
docker logout {REGISTRY}
docker rmi {IMAGE}
"""

Apply = Callable[..., Result]


@pytest.fixture(scope="module")
def apply(agent_on_host: Callable[[], AgentChannel]) -> Apply:
    agent = agent_on_host()

    def apply(kind: str, *, check: bool = False, **fields: Any) -> Result:
        future = agent.submit(load(kind)(**fields), check=check, keep_going=True)
        agent.flush()
        return future.result(120)

    return apply


@pytest.fixture(scope="module")
def docker(apply: Apply) -> Apply:
    """A host with Docker and the registry; nothing is logged in, nothing is pulled."""
    assert apply("DockerImage", check=True, name=IMAGE).status == "failed"
    names = ["docker.io", "docker-cli", "docker-compose"]
    installed = apply("Apt", name=names, hold=True, install_recommends=False)
    assert installed.status == "changed", installed
    prepared = apply("Command", shell=PREPARE)
    assert prepared.status == "changed", prepared
    listening = apply("WaitFor", port=5000, timeout=60)  # its unit is started before it listens
    assert listening.status == "ok", listening
    pushed = apply("Command", shell=PUSH)
    assert pushed.status == "changed", pushed
    return apply


def test_an_image_is_pulled_once_logged_in(docker: Apply) -> None:
    refused = docker("DockerImage", name=IMAGE)
    assert f"the registry {REGISTRY} does not let this host in" in refused.message
    account = {"server": REGISTRY, "username": "lab"}
    wrong = docker("RegistryLogin", **account, password="wrong")
    assert "refuses lab's password" in wrong.message
    assert docker("RegistryLogin", **account, password="hunter2").status == "changed"
    assert docker("RegistryLogin", **account, password="hunter2").status == "ok"
    assert docker("DockerImage", name=IMAGE).status == "changed"
    assert docker("DockerImage", name=IMAGE).status == "ok"
    missing = docker("DockerImage", name=f"{REGISTRY}/probe:2")
    assert f"there is no image {REGISTRY}/probe:2" in missing.message
    nowhere = docker("DockerImage", name="localhost:9/probe:1")
    assert "cannot be reached" in nowhere.message


def service(**model: Any) -> dict[str, Any]:
    return {"image": IMAGE, "stop_grace_period": "0s", "restart": "unless-stopped", **model}


def healthy(probe: str = "true", /, **model: Any) -> dict[str, Any]:
    check = {"test": ["CMD", "sh", "-c", probe], "interval": "1s", "retries": 2}
    return service(healthcheck=check, **model)


def described(model: dict[str, Any]) -> dict[str, Any]:
    """Give a service its label, as the controller does, and return what the agent is told."""
    spec = hashlib.sha256(json.dumps(model, sort_keys=True).encode()).hexdigest()[:12]
    model["labels"] = {"io.provision.spec": spec}
    return {
        "spec": spec,
        "image": model["image"],
        "has_health": "healthcheck" in model,
        "one_shot": model["restart"] == "no",
        "replicas": model.get("deploy", {}).get("replicas", 1),
    }


def project(docker: Apply, *, check: bool = False, **models: dict[str, Any]) -> Result:
    services = {name: described(model) for name, model in models.items()}
    content = yaml.safe_dump({"services": models})
    assert docker("Copy", dest="/root/compose.yml", content=content).status in ("ok", "changed")
    return docker(
        "ComposeProject",
        check=check,
        project="probe",
        file="/root/compose.yml",
        services=services,
        health_timeout=20,
    )


@pytest.fixture
def empty(docker: Apply) -> Apply:
    """The same host without the project, and with the image."""
    docker("RegistryLogin", server=REGISTRY, username="lab", password="hunter2")
    docker("DockerImage", name=IMAGE)
    docker("ComposeDown", project="probe", volumes=True, timeout=0)
    return docker


def test_a_project_comes_up_stays_and_goes(empty: Apply) -> None:
    def models(**environment: str) -> dict[str, Any]:
        return {
            "api": healthy(environment=environment, deploy={"replicas": 2}),
            "cache": service(),
            "migrate": {**service(command=["true"]), "restart": "no"},
        }

    planned = project(empty, check=True, **models())
    applied = project(empty, **models())
    assert (applied.status, applied.message) == ("changed", "")
    assert planned.changes == applied.changes
    assert applied.data["recreated"] == ["api", "cache", "migrate"]
    again = project(empty, **models())
    assert again.status == "ok"

    changed = project(empty, **models(LOG_LEVEL="debug"))
    assert set(changed.changes) == {"api configuration"}
    assert changed.data["recreated"] == ["api"]

    drift = empty(
        "Command",
        shell="docker pause probe-api-1 && docker stop -t 1 probe-cache-1 && "
        # A busy daemon answers before its own list of containers has changed.
        "timeout 30 sh -c 'until docker ps -aq -f name=probe-cache-1 -f status=exited | grep .;"
        " do sleep 0.1; done'",
    )
    assert drift.status == "changed", drift
    repaired = project(empty, **models(LOG_LEVEL="debug"))
    assert set(repaired.changes) == {"api", "cache"}
    assert project(empty, **models(LOG_LEVEL="debug")).status == "ok"

    without = {"api": models(LOG_LEVEL="debug")["api"]}
    assert project(empty, **without).changes == {"orphans": (["cache", "migrate"], [])}
    gone = empty("ComposeDown", project="probe", timeout=0)
    assert set(gone.changes) == {"containers", "networks"}
    assert empty("ComposeDown", project="probe").status == "ok"


@pytest.mark.parametrize(
    ("models", "found", "log"),
    [
        ({"api": healthy("echo no route; exit 1")}, "its health check says: no route", None),
        (
            {"api": healthy(command=["sh", "-c", "echo panic: no config; exit 7"])},
            "restarted 3 times",
            "panic: no config",
        ),
        (
            {"api": service(command=["sh", "-c", "echo panic: no config; exit 7"])},
            "restarted",
            "panic: no config",
        ),
        (
            {"job": {**service(command=["sh", "-c", "echo no table; exit 4"]), "restart": "no"}},
            "is exited 4",
            "no table",
        ),
        (
            {
                "db": healthy("echo recovering; exit 1"),
                "api": service(depends_on={"db": {"condition": "service_healthy"}}),
            },
            "container probe-db-1 is unhealthy; its health check says: recovering",
            None,
        ),
        ({"api": {**service(), "image": f"{REGISTRY}/probe:9"}}, "absent", "No such image"),
        ({"api": service(ports=["22:22"])}, "1 created", "already in use"),
    ],
    ids=["unhealthy", "crash loop", "crash loop, no check", "job", "dependency", "image", "port"],
)
def test_what_goes_wrong_is_told(
    empty: Apply, models: dict[str, Any], found: str, log: str | None
) -> None:
    result = project(empty, **models)
    assert result.status == "failed"
    assert found in result.found
    assert log is None or log in "\n".join(result.log)
