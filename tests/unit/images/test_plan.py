"""What is checked before anything is built."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from provision.errors import UsageError
from provision.images import docker_cli, recipe
from provision.images.plan import Build, plan
from provision.images.progress import Step


def commit(source: Path) -> None:
    git = ["git", "-C", str(source), "-c", "user.name=a", "-c", "user.email=a@example.com"]
    for arguments in (["init", "-q"], ["add", "."], ["commit", "-qm", "x"], ["tag", "v1.2"]):
        subprocess.run([*git, *arguments], check=True)


def one(source: Path, name: str = "game-server", **options: object) -> Build:
    (build,) = plan(source, [name], **{"tag": "1", **options})  # type: ignore[arg-type]
    return build


def refused(source: Path, **options: object) -> str:
    with pytest.raises(UsageError) as raised:
        plan(source, recipe.DEPLOYED, **{"tag": "1", **options})  # type: ignore[arg-type]
    return str(raised.value)


def test_images_are_called_as_the_stack_knows_them(source: Path) -> None:
    builds = plan(source, recipe.DEPLOYED, tag="1.2", registry="r.example.com:5000/team/")
    assert [build.reference for build in builds] == [
        f"r.example.com:5000/team/generals-{name}:1.2" for name in recipe.DEPLOYED
    ]


def test_the_tag_is_the_sources_revision(source: Path) -> None:
    commit(source)
    assert one(source, tag=None).reference == "generals-game-server:v1.2"
    (source / "go.mod").write_text("module changed\n")
    build = one(source, tag=None)
    assert build.reference == "generals-game-server:v1.2-dirty"
    assert build.labels["org.opencontainers.image.revision"] == "v1.2-dirty"


def test_outside_git_there_is_no_tag_to_guess(source: Path) -> None:
    assert "--tag 1.0.0" in refused(source, tag=None)


@pytest.mark.parametrize(
    ("tag", "message"),
    [
        ("latest", "names another image on each host"),
        ("a b", "'a b' is not a tag"),
        (".x", "is not a tag"),
        ("x" * 129, "is not a tag"),
    ],
)
def test_bad_tags(source: Path, tag: str, message: str) -> None:
    assert message in refused(source, tag=tag)


@pytest.mark.parametrize("prefix", ["https://r.example.com", "R.example.com", "a b", "/x", "x:y"])
def test_bad_registries(source: Path, prefix: str) -> None:
    assert "cannot begin an image's name" in refused(source, registry=prefix)


def test_everything_that_is_missing_is_said_at_once(source: Path) -> None:
    (source / "go.mod").unlink()
    shutil.rmtree(source / "cmd" / "experience_service")
    shutil.rmtree(source / "proto")
    message = refused(source)
    assert str(source) in message
    assert "game-server needs go.mod;" in message
    assert "experience-buffer needs go.mod, cmd/experience_service;" in message
    assert "rl-agent needs proto" in message


def test_a_module_without_dependencies_has_no_go_sum_and_a_game_may_have_no_configs(
    source: Path,
) -> None:
    (source / "go.sum").unlink()
    shutil.rmtree(source / "configs")
    assert one(source)


def test_the_main_package_can_be_another(source: Path) -> None:
    (source / "cmd" / "game_server").rename(source / "cmd" / "server")
    assert "game-server needs cmd/game_server" in refused(source)
    assert one(source, arguments={"MAIN": "cmd/server"}).arguments == {"MAIN": "cmd/server"}


def test_no_directory(tmp_path: Path) -> None:
    assert "is not a directory" in refused(tmp_path / "nowhere")


def test_bases_and_arguments_reach_the_images_that_have_them(source: Path) -> None:
    given = {
        "bases": {"go": "mirror/go:1.25.1", "cuda": "debian:13.1"},
        "arguments": {"GOPROXY": None},
    }
    go, _, python = plan(source, recipe.DEPLOYED, tag="1", **given)  # type: ignore[arg-type]
    assert go.arguments == {"GO_IMAGE": "mirror/go:1.25.1", "GOPROXY": None}
    assert python.arguments == {**go.arguments, "CUDA_IMAGE": "debian:13.1"}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"bases": {"golang": "x:1"}}, "no image has a base called 'golang'"),
        ({"bases": {"runtme": "x:1"}}, "did you mean 'runtime'?"),
        ({"arguments": {"GO_PROXY": "x"}}, "did you mean 'GOPROXY'?"),
    ],
)
def test_unknown_names_are_errors(source: Path, options: dict[str, object], message: str) -> None:
    assert message in refused(source, **options)


def test_one_set_of_options_serves_whichever_images_are_built(source: Path) -> None:
    build = one(source, bases={"go": "go:1.24.4", "cuda": "debian:13.1"}, arguments={"UID": "7"})
    assert build.arguments == {"GO_IMAGE": "go:1.24.4"}


def test_proxies_are_arguments_of_every_build(source: Path) -> None:
    build = one(source, arguments={"HTTPS_PROXY": None, "no_proxy": "localhost"})
    assert build.arguments == {"HTTPS_PROXY": None, "no_proxy": "localhost"}


def test_a_value_of_the_environment_is_in_no_argument_list(source: Path) -> None:
    build = one(source, "rl-agent", arguments={"PIP_INDEX_URL": None, "BUILD_PACKAGES": ""})
    assert build.command() == [
        "build",
        *("--file", "docker/rl-agent/Dockerfile"),
        *("--tag", "generals-rl-agent:1"),
        *("--build-arg", "PIP_INDEX_URL"),
        *("--build-arg", "BUILD_PACKAGES="),
        *("--label", "org.opencontainers.image.version=1"),
        "-",
    ]


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("FROM ${GO_IMAGE} AS x", "FROM mine/go:1.24.1 AS x"),
        ("FROM ${RUNTIME_IMAGE}", "FROM alpine:3.23.5"),
        ("RUN go build ./$MAIN", "RUN go build ./cmd/game_server"),
        ("RUN echo $GOPROXY $tool ${MAINTAINER} $$", "RUN echo $GOPROXY $tool ${MAINTAINER} $$"),
    ],
)
def test_steps_are_shown_with_the_arguments_that_are_known(
    source: Path, written: str, shown: str
) -> None:
    build = one(source, bases={"go": "mine/go:1.24.1"}, arguments={"GOPROXY": None})
    assert build.explain(Step("1/2", written)) == Step("1/2", shown)


def test_without_the_docker_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(UsageError, match="no `docker` command"):
        docker_cli.ensure_docker()
