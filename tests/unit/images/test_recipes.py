"""What the shipped Dockerfiles promise, and what they must never do again."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from provision.images import recipe

from .conftest import FIXTURE

every_image = pytest.mark.parametrize("name", recipe.NAMES)
deployed = pytest.mark.parametrize("name", recipe.DEPLOYED)


def code(name: str) -> str:
    """Return the Dockerfile without comments, continued lines joined."""
    lines = recipe.load(name).dockerfile.splitlines()
    text = "\n".join(line for line in lines if not line.lstrip().startswith("#"))
    return text.replace("\\\n", " ")


def last(name: str, instruction: str) -> str:
    return re.findall(rf"^{instruction} +(.*)$", code(name), re.MULTILINE)[-1]


@every_image
def test_every_base_is_an_argument_pinned_to_a_version(name: str) -> None:
    loaded = recipe.load(name)
    stages = set(re.findall(r"^FROM \S+ AS (\S+)$", code(name), re.MULTILINE))
    taken = re.findall(r"^FROM (\S+)", code(name), re.MULTILINE)
    bases = {f"${{{argument}}}" for argument in loaded.bases.values()}
    assert set(taken) - stages == bases
    for argument in loaded.bases.values():
        default = loaded.arguments[argument]
        assert default is not None
        assert re.fullmatch(r"\S+:\d+\.\d+\.\d+\S*", default), default


@every_image
def test_what_the_first_design_had_wrong_is_not_back(name: str) -> None:
    text = code(name)
    assert "latest" not in text
    assert "|| exit 1" not in last(name, "CMD") + text.partition("HEALTHCHECK")[2]
    assert not re.search(r"pip install[^\n]* (-e|--editable)\b", text)
    assert ":$PYTHONPATH" not in text
    assert "GOARCH=amd64" not in text
    assert "# syntax" not in recipe.load(name).dockerfile


@deployed
def test_the_user_is_a_number_and_not_root(name: str) -> None:
    assert last(name, "USER") == "10001:10001"
    assert "USER" not in code(name).split("USER 10001:10001")[1]


def test_the_development_image_does_not_run_as_root_either() -> None:
    assert last("dev", "USER") == "dev"


@deployed
def test_health_is_asked_by_a_program_of_the_image(name: str) -> None:
    check = code(name).partition("HEALTHCHECK")[2].partition("CMD")[2].splitlines()[0].strip()
    assert "/usr/local/bin/generals-health" in code(name).rpartition("FROM")[2]
    program = json.loads(check)[0] if check.startswith("[") else check.split()[0]
    assert program.rpartition("/")[2] == "generals-health"


@deployed
def test_the_entry_point_waits_and_the_command_can_be_replaced(name: str) -> None:
    entry = ["/bin/sh", "/usr/local/bin/entrypoint.sh"]  # whatever the file's mode
    assert json.loads(last(name, "ENTRYPOINT")) == entry
    assert json.loads(last(name, "CMD"))


@every_image
def test_everything_that_is_copied_can_be_had(name: str) -> None:
    loaded = recipe.load(name)
    assert not recipe.missing(loaded, FIXTURE, {})
    ours = [path for path in loaded.copied if path.startswith("docker/")]
    files = loaded.own_files()
    assert all(any(f"{file}/".startswith(f"{path}/") for file in files) for path in ours)


def test_a_dockerfile_of_the_projects_own_wins(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    own = tmp_path / "docker" / "game-server"
    own.mkdir(parents=True)
    (own / "Dockerfile").write_text(
        "ARG MINE_IMAGE=mine:1.0.0\nFROM ${MINE_IMAGE}\nCOPY Makefile /\n"
    )
    loaded = recipe.load("game-server")
    assert (loaded.bases, loaded.ignored) == ({"mine": "MINE_IMAGE"}, ())
    assert recipe.missing(loaded, FIXTURE, {}) == ["Makefile"]
