"""The trainer's own decisions, and its checkpoints, in a directory and in S3 (moto's server)."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest
from generals_reference.checkpoints import Checkpoints
from generals_reference.settings import Settings
from generals_reference.storage import Bucket, Directory, Storage, storage
from generals_reference.supply import alike, origins
from generals_reference.v1 import buffer_pb2
from samples import tensors


def bucket(monkeypatch: pytest.MonkeyPatch, prefix: str) -> Iterator[Storage]:
    """A new bucket of a real HTTP server that speaks S3."""
    pytest.importorskip("moto", reason="moto and boto3 are not installed")
    from moto.server import ThreadedMotoServer

    name = f"weights-{secrets.token_hex(4)}"  # what moto holds outlives its server
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    for variable, value in {
        "AWS_ENDPOINT_URL": f"http://{host}:{port}",
        "AWS_ACCESS_KEY_ID": "x",
        "AWS_SECRET_ACCESS_KEY": "x",
        "AWS_DEFAULT_REGION": "us-east-1",
        "NO_PROXY": "*",
    }.items():
        monkeypatch.setenv(variable, value)
    made = storage(Settings({"S3_BUCKET": f"s3://{name}/{prefix}"}), "trainer")
    assert isinstance(made, Bucket)
    made.client.create_bucket(Bucket=name)
    yield made
    server.stop()


@pytest.fixture(params=["directory", "bucket", "bucket with a prefix"])
def place(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Storage]:
    if request.param == "directory":
        yield Directory(tmp_path)
    else:
        yield from bucket(monkeypatch, "a/b" if "prefix" in request.param else "")


def test_the_newest_checkpoint_is_resumed(place: Storage) -> None:
    checkpoints = Checkpoints(place)
    assert checkpoints.newest() is None
    for step in (9, 10, 100):
        checkpoints.save(step, f"state {step}".encode())
    assert Checkpoints(place).newest() == b"state 100"


def test_old_checkpoints_go(place: Storage) -> None:
    checkpoints = Checkpoints(place, keep=2)
    for step in range(5):
        checkpoints.save(step, b"x")
    assert checkpoints.names == ["step-000000000003.ckpt", "step-000000000004.ckpt"]
    place.delete("never there")


def test_a_damaged_checkpoint_is_passed_over(place: Storage) -> None:
    checkpoints = Checkpoints(place)
    checkpoints.save(1, b"good")
    name = checkpoints.save(2, b"better")
    place.write(name, place.read(name)[:-1])
    assert checkpoints.newest() == b"good"


def test_a_file_that_was_never_finished_is_not_there(tmp_path: Path) -> None:
    (tmp_path / ".step-000000000003.ckpt.7").write_bytes(b"half")
    assert Checkpoints(Directory(tmp_path)).names == []


def test_without_a_bucket_the_directory_counts(tmp_path: Path) -> None:
    settings = Settings({"MODEL_CHECKPOINT_DIR": str(tmp_path), "S3_BUCKET": ""})
    assert str(storage(settings, "trainer")) == str(tmp_path / "trainer")


def test_fragments_of_one_batch_are_alike() -> None:
    batch = [tensors(side=4), tensors(side=5), tensors(side=5), tensors(side=5, steps=3)]
    assert alike(batch) == [1, 2]


def test_an_update_goes_on_with_the_trace_of_a_round_and_links_to_the_others() -> None:
    first, second = (f"00-{digit * 32}-{digit * 16}-01" for digit in "12")
    headers = ["", first, second, first]
    experiences = [buffer_pb2.Experience(traceparent=header) for header in headers]
    parent, links = origins(buffer_pb2.SampleReply(experiences=experiences))
    assert parent is not None
    assert (parent.header, [link.header for link in links]) == (first, [second])
    assert origins(buffer_pb2.SampleReply(experiences=experiences[:1])) == (None, ())
