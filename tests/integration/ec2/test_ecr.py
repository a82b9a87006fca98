"""Logins at ECR: tokens of moto's ECR, used at a real registry that takes them."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from moto.ecr.responses import ECRResponse

from provision.engine.masking import Mask
from provision.errors import TaskError
from provision.images.ecr import ecr_login
from provision.images.logins import Logins
from provision.lab.lab import Lab
from provision.source import load_yaml

from ..commandline import Project
from .conftest import Account

OnHost = Callable[[str], str]

ACCOUNT = "123456789012"
SERVER = f"{ACCOUNT}.dkr.ecr.us-east-1.amazonaws.com"
TOKEN = f"{ACCOUNT}-auth-token"  # what moto gives for every account


@pytest.fixture
def lasting(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[datetime]]:
    """Let moto's tokens end in twelve hours, as ECR's do; moto's own ended in 2015."""
    original = ECRResponse.get_authorization_token
    asked: list[datetime] = []

    def answer(self: Any) -> Any:
        result = original(self)
        asked.append(datetime.now(UTC) + timedelta(hours=12))
        for data in result.result["authorizationData"]:
            data["expiresAt"] = asked[-1]
        return result

    monkeypatch.setattr(ECRResponse, "get_authorization_token", answer)
    yield asked


def test_a_token_that_has_expired_is_an_error(aws: Account) -> None:
    with pytest.raises(TaskError, match="has expired at 2015-01-01 00:00") as caught:
        ecr_login(SERVER)
    assert "clock" in (caught.value.hint or "")


def test_a_login(aws: Account, lasting: list[datetime]) -> None:
    login = ecr_login(SERVER)
    assert (login.username, login.password) == ("AWS", TOKEN)
    assert abs(login.expires - lasting[0]) < timedelta(seconds=1)


def test_one_token_serves_a_run_until_it_is_about_to_end(
    aws: Account, lasting: list[datetime], monkeypatch: pytest.MonkeyPatch
) -> None:
    logins, mask = Logins(), Mask()
    logins.hide_with(mask.add)
    assert logins.known() == {}
    logins.ecr(SERVER)
    assert logins.known() == {SERVER: ("AWS", TOKEN)}
    assert len(lasting) == 1
    assert mask(f"docker says {TOKEN}") == "docker says ********"
    monkeypatch.setattr("provision.images.logins._RENEWED_BEFORE", timedelta(hours=13))
    assert logins.known() == {SERVER: ("AWS", TOKEN)}
    assert len(lasting) == 2


def test_aws_that_does_not_answer(aws: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    with pytest.raises(TaskError, match="ECR in us-east-1: AWS does not answer"):
        ecr_login(SERVER)


# -- on a host ----------------------------------------------------------------------------------

# Docker asks no certificate of what resolves to loopback.
NAME = f"{ACCOUNT}.dkr.ecr.us-east-1.lab.test"
REGISTRY = f"{NAME}:5001"
OTHERS = NAME.replace(ACCOUNT, "999999999999")  # the same registry, which does not know its tokens
PREPARE = f"""
set -e
echo 127.0.0.1 {NAME} {OTHERS} >> /etc/hosts
apt-get update -qq
apt-get install -y -qq --no-install-recommends docker.io docker-cli docker-compose busybox-static \
    docker-registry apache2-utils
htpasswd -Bbn AWS {TOKEN} > /root/ecr.htpasswd
cat > /root/ecr.yml <<END
version: 0.1
storage: {{filesystem: {{rootdirectory: /var/lib/ecr}}}}
http: {{addr: "127.0.0.1:5001"}}
auth: {{htpasswd: {{realm: ecr, path: /root/ecr.htpasswd}}}}
END
systemd-run --quiet --unit=ecr docker-registry serve /root/ecr.yml
mkdir -p /root/image/bin && cp /bin/busybox /root/image/bin/ && ln -s busybox /root/image/bin/sleep
ln -s busybox /root/image/bin/true
tar -C /root/image -c . | docker import - {REGISTRY}/probe:1
until echo {TOKEN} | docker login -u AWS --password-stdin {REGISTRY}; do sleep 0.2; done
docker push -q {REGISTRY}/probe:1
docker logout {REGISTRY}
docker rmi {REGISTRY}/probe:1
"""
PLAY = f"""
- hosts: all
  become: true
  tasks:
    - registry_login: {{server: "{REGISTRY}", ecr: true}}
    - compose_project: {{role: game_server}}
"""
TEMPLATE = f"""
{{% import "compose/_stack.j2" as stack with context %}}
{{% include "compose/_hardened.yml.j2" %}}
services:
  web:
    <<: *hardened
    image: {REGISTRY}/probe:1
    init: false
    command: [/bin/sleep, "86400"]
    healthcheck: {{test: [CMD, /bin/true], interval: 1s, timeout: 5s, retries: 2}}
    mem_limit: 32m
    memswap_limit: 32m
    cpus: 0.5
    pids_limit: 16
    stop_grace_period: 1s
"""

WATCH = r"""
rm -f /run/seen
cat > /run/watch <<'END'
while :; do
    cat /proc/[0-9]*/cmdline /proc/[0-9]*/environ 2>/dev/null | tr '\0' '\n' >> /run/seen
done
END
"""


@pytest.fixture(scope="module")
def on_host(lab: Lab) -> OnHost:
    """A host with Docker, and a registry that takes the tokens that moto's ECR gives."""

    def run(script: str) -> str:
        done = lab.exec("h1", ["/bin/sh", "-c", script])
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    run(PREPARE)
    return run


@pytest.fixture
def project(lab: Lab, on_host: OnHost, aws: Account, tmp_path: Path) -> Project:
    made = Project(tmp_path / "project", lab.inventory_file)
    made.write("templates/compose/game_server.yml.j2", TEMPLATE)
    return made


@pytest.mark.integration
def test_a_host_pulls_with_a_token_that_it_never_keeps(
    project: Project, on_host: OnHost, lasting: list[datetime]
) -> None:
    done = project.play(PLAY, "-vv", "--diff")
    assert done.code == 0, done.shown
    assert "healthy" in on_host("docker ps --filter name=web --format '{{.Status}}'")
    assert len(lasting) == 1
    again = project.play(PLAY)
    assert again.recap()["h1"]["changed"] == 0, again.shown

    secrets = [TOKEN, base64.b64encode(f"AWS:{TOKEN}".encode()).decode()]
    assert not any(secret in done.shown + again.shown for secret in secrets)
    ours = [path.read_text("utf-8", "replace") for path in project.directory.rglob("*.jsonl")]
    assert ours
    assert not any(secret in text for secret in secrets for text in ours)
    patterns = " ".join(f"-e {secret}" for secret in secrets)
    places = "/root /home /etc /opt /tmp /run /var/lib/provision /var/log"
    found = on_host(f"grep -rlF {patterns} {places} 2>/dev/null || true")
    assert found == ""
    assert "auths" not in on_host("cat /root/.docker/config.json 2>/dev/null || true") or (
        json.loads(on_host("cat /root/.docker/config.json"))["auths"] == {}
    )


@pytest.mark.integration
def test_a_deploy_logs_in_for_itself(
    project: Project, on_host: OnHost, lasting: list[datetime], lab: Lab
) -> None:
    project.write("templates/compose/host.yml.j2", TEMPLATE.replace("web:", "exporter:"))
    hosts: Any = load_yaml(lab.inventory_file)
    group = {
        "hosts": {"h1": dict(hosts["all"]["hosts"]["h1"])},
        "vars": {**hosts["all"]["vars"], "registry": {"server": REGISTRY, "ecr": True}},
    }
    document = json.loads(json.dumps({"game_server": group}))
    project.inventories = [project.write("hosts.json", json.dumps(document))]
    project.run("destroy", "--yes")
    on_host(f"docker rmi --force $(docker images --quiet {REGISTRY}/probe) || true")
    done = project.run("deploy", "--tags", "game_server")
    assert done.code == 0, done.shown
    assert "healthy" in on_host("docker ps --filter name=web --format '{{.Status}}'")
    assert len(lasting) == 1


@pytest.mark.integration
def test_no_process_is_ever_given_the_token(
    project: Project, on_host: OnHost, lasting: list[datetime]
) -> None:
    on_host(WATCH)
    on_host("systemd-run --quiet --unit=watch sh /run/watch")
    project.play(PLAY)
    on_host("systemctl stop watch")
    seen = on_host("sort -u /run/seen")
    assert "python3" in seen  # the agent itself
    assert TOKEN not in seen


@pytest.mark.integration
def test_a_registry_that_refuses_the_token(
    project: Project, on_host: OnHost, lasting: list[datetime]
) -> None:
    done = project.play(PLAY.replace(NAME, OTHERS))
    assert done.code == 3
    assert f"the registry {OTHERS}:5001 refuses AWS's password" in done.shown


@pytest.mark.integration
def test_a_login_must_be_one_or_the_other(project: Project) -> None:
    for given in ("", ", ecr: true, username: u, password: pass", ", username: u"):
        done = project.play(
            f"[{{hosts: all, tasks: [{{registry_login: {{server: r.test{given}}}}}]}}]"
        )
        assert done.code == 3
        assert "needs either username and password, or ecr: true" in done.shown
