"""The built wheel, installed where there is nothing else, works from any directory."""

from __future__ import annotations

import os
import subprocess
import sys
import venv
from pathlib import Path

import pytest

pytestmark = pytest.mark.integration
ROOT = Path(__file__).parents[2]
INVENTORY = """\
all:
  vars:
    ansible_connection: local
    ansible_become: false
    reference_image: registry.example.org/reference:1.0
    redis_password: not-the-real-one
    grafana_admin_password: not-the-real-one
  children:
    game_server: {hosts: {one: {private_address: 192.0.2.1}}}
"""


def call(*argv: object, cwd: Path, codes: tuple[int, ...] = (0,)) -> str:
    environment = {name: os.environ[name] for name in os.environ if not name.startswith("PYTHON")}
    done = subprocess.run(
        [str(word) for word in argv],
        cwd=cwd,
        env=environment,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode in codes, done.stdout + done.stderr
    return done.stdout + done.stderr


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The `provision` program of an environment that holds the wheel and its dependencies."""
    dist, home = tmp_path_factory.mktemp("dist"), tmp_path_factory.mktemp("venv")
    call(sys.executable, "-m", "build", "--wheel", "--outdir", dist, ROOT, cwd=dist)
    (wheel,) = dist.glob("*.whl")
    venv.create(home, with_pip=True)
    call(home / "bin/python", "-m", "pip", "install", "--quiet", wheel, cwd=home)
    return home / "bin/provision"


def test_the_wheel_ships_what_people_edit(installed: Path, tmp_path: Path) -> None:
    code = "from provision.project import defaults_root; print(defaults_root())"
    shipped = Path(call(installed.parent / "python", "-c", code, cwd=tmp_path).strip())
    assert (shipped / "templates/compose/trainer.yml.j2").is_file()
    assert (shipped / "playbooks/deploy.yml").is_file()
    assert (shipped / "inventory/example/hosts.yml").is_file()
    assert (shipped / "docker/lab-host/Dockerfile").is_file()
    assert not (shipped / "docker/reference/tests").exists()
    assert not (shipped / "inventory/lab.yml").exists()


def test_every_command_explains_itself(installed: Path, tmp_path: Path) -> None:
    assert "Usage: provision" in call(installed, "--help", cwd=tmp_path)
    for command in ("deploy", "play", "verify", "inventory", "lab"):
        assert f"Usage: provision {command}" in call(installed, command, "--help", cwd=tmp_path)


def test_a_plan_from_an_empty_directory(installed: Path, tmp_path: Path) -> None:
    """Templates, schema, playbook and agent are all found: the plan for this machine is made."""
    inventory = tmp_path / "inventory.yml"
    inventory.write_text(INVENTORY)
    argv = [installed, "deploy", "-i", inventory, "--check", "--tags", "game_server"]
    output = call(*argv, cwd=tmp_path, codes=(2, 3))
    assert "lint" in output
    assert "preflight" in output
