"""What ``provision init`` writes is a project that could be deployed, had it machines."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from provision.cli.main import run
from provision.engine.events import EventBus
from provision.engine.fleet import Fleet
from provision.engine.options import RunOptions
from provision.engine.scaffold import INVENTORY, write_project
from provision.errors import UsageError
from provision.inventory.inventory import Inventory
from provision.stack.lint import collisions, lint
from provision.stack.render import render_role
from provision.stack.roles import ROLES, roles_of


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    directory = tmp_path / "cluster"
    write_project(directory, templates=False)
    monkeypatch.chdir(directory)
    return directory


def test_the_inventory_is_one(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["inventory", "-i", INVENTORY, "--list"]) == 0
    printed = capsys.readouterr()
    assert printed.err == ""
    assert set(ROLES) - {"host"} <= set(json.loads(printed.out))


@pytest.mark.parametrize("templates", [False, True])
def test_a_deploy_gets_past_its_lint(
    project: Path, templates: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_project(project, templates=templates)
    for name in ("REDIS_PASSWORD", "GRAFANA_ADMIN_PASSWORD", "REGISTRY_PASSWORD"):
        monkeypatch.setenv(name, "only-for-this-test")
    inventory = Inventory.load([INVENTORY])
    fleet = Fleet(inventory, RunOptions(), EventBus())
    for name, host in inventory.hosts.items():
        projects = [render_role(role, fleet.context(name)) for role in roles_of(host.groups)]
        findings = [*(found for each in projects for found in lint(each)), *collisions(projects)]
        assert [each for each in findings if each.level == "error"] == [], name


def test_nothing_of_it_speaks_of_the_example_directory(project: Path) -> None:
    texts = {path: path.read_text() for path in project.rglob("*") if path.is_file()}
    assert [path for path, text in texts.items() if "inventory/example" in text] == []


def test_nothing_is_overwritten(project: Path) -> None:
    (project / "README.md").write_text("mine")
    (project / INVENTORY).unlink()
    (project / ".gitignore").unlink()
    (project / ".gitignore").symlink_to("elsewhere")  # dangling, and somebody's all the same
    written = write_project(project, templates=True)
    assert (project / "README.md").read_text() == "mine"
    assert not (project / "elsewhere").exists()
    assert written[INVENTORY]
    assert not written["README.md"]
    assert written["playbooks/deploy.yml"]
    assert written["templates/compose/defaults.yml"]
    assert not any(write_project(project, templates=True).values())


def test_what_must_stay_out_of_git_does(project: Path) -> None:
    subprocess.run(["git", "init", "-q"], cwd=project, check=True)
    for name in (".provision/runs/1.jsonl", ".vault-password", "vault-password.txt", "id.key"):
        done = subprocess.run(["git", "check-ignore", "-q", name], cwd=project, check=False)
        assert done.returncode == 0, name
    done = subprocess.run(["git", "check-ignore", "-q", INVENTORY], cwd=project, check=False)
    assert done.returncode == 1


def test_a_place_that_cannot_be_written_to(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match="cannot be written"):
        write_project(tmp_path / "file" / "cluster", templates=False)


def test_it_tells_what_it_wrote_and_what_comes_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run(["init", "cluster"]) == 0
    out = capsys.readouterr().out
    assert f"  wrote  {INVENTORY}" in out
    assert "next: cd cluster; " in out
    assert run(["init", "cluster"]) == 0
    assert f"  kept   {INVENTORY}" in capsys.readouterr().out
