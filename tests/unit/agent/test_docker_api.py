"""The parts of talking to Docker that need no daemon."""

from __future__ import annotations

import pytest

from provision.agent import registry_auth
from provision.agent.docker_api import Docker, DockerError, demultiplexed, quote
from provision.agent.resources.docker_image import Layers, split
from tests.unit.agent.described import DescribedSystem


def frame(stream: int, text: str) -> bytes:
    data = text.encode()
    return bytes((stream, 0, 0, 0)) + len(data).to_bytes(4, "big") + data


def test_logs_of_both_streams_come_in_order() -> None:
    assert demultiplexed(frame(1, "one\n") + frame(2, "two\n") + frame(1, "")) == "one\ntwo\n"


def test_logs_of_a_container_with_a_terminal_are_plain() -> None:
    assert demultiplexed(b"one\r\ntwo\r\n") == "one\r\ntwo\r\n"
    assert demultiplexed(b"") == ""


def test_what_a_query_may_not_hold_is_encoded() -> None:
    assert quote('{"a": "ä b/c"}') == "%7B%22a%22%3A%20%22%C3%A4%20b%2Fc%22%7D"


def test_a_refusal_has_the_daemons_words_and_status() -> None:
    answers = {"GET /x": {"status": 409, "json": {"message": "name in use"}}}
    answers["GET /y"] = {"status": 502, "body": "bad gateway"}
    system = DescribedSystem({"sockets": {"/var/run/docker.sock": answers}})
    with pytest.raises(DockerError, match="name in use") as caught:
        Docker(system).get("/x")
    assert caught.value.status == 409
    with pytest.raises(DockerError, match="bad gateway"):
        Docker(system).get("/y")


@pytest.mark.parametrize(
    ("image", "expected"),
    [
        ("redis", ("redis", "latest")),
        ("redis:8", ("redis", "8")),
        ("reg.example.org:5000/a/redis", ("reg.example.org:5000/a/redis", "latest")),
        ("reg.example.org:5000/redis:8@sha256:0a", ("reg.example.org:5000/redis", "sha256:0a")),
        ("redis@sha256:0a", ("redis", "sha256:0a")),
    ],
)
def test_references(image: str, expected: tuple[str, str]) -> None:
    assert split(image) == expected


@pytest.mark.parametrize(
    ("image", "expected"),
    [
        ("redis", registry_auth.HUB),
        ("library/redis", registry_auth.HUB),
        ("docker.io/redis", registry_auth.HUB),
        ("localhost/redis", "localhost"),
        ("registry:5000/redis", "registry:5000"),
        ("ghcr.io/a/b", "ghcr.io"),
    ],
)
def test_where_an_image_comes_from(image: str, expected: str) -> None:
    assert registry_auth.registry_of(image) == expected


def test_a_pull_is_first_downloaded_and_then_unpacked() -> None:
    layers = Layers()
    layers.update({"status": "Pulling from redis", "id": "8"})
    size = {"current": 30, "total": 100}
    layers.update({"status": "Downloading", "id": "a", "progressDetail": size})
    layers.update({"status": "Downloading", "id": "b", "progressDetail": size})
    assert (layers.phase, layers.done, layers.total) == ("pulling", 60, 200)
    layers.update({"status": "Download complete", "id": "a"})
    layers.update({"status": "Verifying Checksum", "id": "b"})
    assert (layers.phase, layers.done, layers.total) == ("unpacking", 0, 200)
    layers.update({"status": "Extracting", "id": "a", "progressDetail": {"current": 50}})
    layers.update({"status": "Pull complete", "id": "b"})
    assert (layers.phase, layers.done, layers.total) == ("unpacking", 150, 200)


def test_a_credential_helper_is_asked() -> None:
    system = DescribedSystem(
        {
            "files": {registry_auth.CONFIG: '{"credHelpers": {"reg.example.org": "ecr-login"}}'},
            "programs": {
                "docker-credential-ecr-login get <<< reg.example.org": {
                    "stdout": '{"Username": "AWS", "Secret": "token"}'
                }
            },
        }
    )
    assert registry_auth.find(system, "reg.example.org") == ("AWS", "token")
    assert registry_auth.find(system, "other.example.org") is None
