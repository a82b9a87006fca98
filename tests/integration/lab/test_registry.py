from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import docker
import pytest
import yaml

from provision.lab.lab import Lab
from tests.labs import lab_name

from .conftest import Login

pytestmark = pytest.mark.integration
NAME = lab_name("registry")
SERVER = "registry.lab.test:5000"


@pytest.fixture(scope="module")
def project(
    tmp_path_factory: pytest.TempPathFactory, client: docker.DockerClient
) -> Iterator[Path]:
    """A project directory in which `provision lab up` has been run."""
    directory = tmp_path_factory.mktemp("project")
    run(directory, "down")
    run(directory, "up", "--hosts", "1")
    yield directory
    run(directory, "down")  # without --all: other tests need the images again
    client.volumes.get(f"{NAME}-registry").remove()


def run(directory: Path, *arguments: str, code: int = 0) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "provision", "lab", "--name", NAME, *arguments],
        cwd=directory,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == code, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def lab(project: Path) -> Lab:
    return Lab(NAME, project / ".lab" / NAME)


def request(login: Login, lab: Lab, path: str, password: str) -> tuple[int, dict[str, object]]:
    """Ask the registry from a host, which trusts nothing but what the lab put there."""
    script = f"""
import base64, json, ssl, urllib.request, urllib.error
trust = ssl.create_default_context(cafile="/etc/docker/certs.d/{SERVER}/ca.crt")
login = "Basic " + base64.b64encode(b"lab:{password}").decode()
query = urllib.request.Request("https://{SERVER}/v2/{path}", headers={{"Authorization": login}})
try:
    with urllib.request.urlopen(query, context=trust, timeout=10) as answer:
        print(json.dumps([answer.status, json.load(answer)]))
except urllib.error.HTTPError as error:
    print(json.dumps([error.code, {{}}]))
"""
    status, body = json.loads(login(lab.host("h1"), "python3 -", stdin=script).stdout)
    return status, body


def test_every_image_of_the_inventory_is_in_the_registry(lab: Lab, login: Login) -> None:
    values = yaml.safe_load(lab.inventory_file.read_text())["all"]["vars"]
    images = [value for name, value in values.items() if name.endswith("_image") and value]
    assert len(images) >= 4
    for image in images:
        server, _, name = image.partition("/")
        repository, _, tag = name.partition(":")
        assert server == values["registry"]["server"] == SERVER
        status, body = request(
            login, lab, f"{repository}/tags/list", lab.credentials.password("registry")
        )
        assert (status, body["tags"]) == (200, [tag])


def test_it_wants_the_password(lab: Lab, login: Login) -> None:
    assert request(login, lab, "redis/tags/list", "wrong")[0] == 401


def test_up_again_builds_and_pushes_nothing(project: Path, lab: Lab) -> None:
    said: list[str] = []
    Lab(NAME, project / ".lab" / NAME, say=said.append).up()
    assert said == []


def test_the_images_run_as_nobody_special_with_a_read_only_root(
    lab: Lab, client: docker.DockerClient
) -> None:
    commands = {
        "redis:8.0": ("redis-server --version", "v=8.0"),
        "prometheus:v2.53": ("--version", "version 2.53"),
        "alertmanager:v0.28": ("--version", "version 0.28"),
        "node-exporter:v1.9": ("--version", "version 1.9"),
    }
    port = lab.host("h1").port - 1
    for name, (command, expected) in commands.items():
        image = client.images.get(f"localhost:{port}/{name}")
        container = client.containers.create(
            image, command, read_only=True, cap_drop=["ALL"], network_mode="none"
        )
        try:
            container.start()
            assert container.wait(timeout=30)["StatusCode"] == 0
            assert expected in container.logs().decode()
        finally:
            container.remove(force=True, v=True)
        assert image.attrs["Config"]["User"] not in ("", "0", "root", "0:0")


def test_the_command_line_tells_what_there_is(project: Path) -> None:
    assert "h1" in run(project, "status")
    assert run(project, "ssh", "h1", "hostname") == "h1\n"
    assert run(project, "ssh", "h1", "exit 7", code=7) == ""
    assert "h1" in run(project, "up")


def test_a_lab_that_is_down_is_said_to_be(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "provision", "lab", "--name", "provision-test-none", "status"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 1
    assert "provision lab" in done.stdout
    assert list(tmp_path.iterdir()) == []
