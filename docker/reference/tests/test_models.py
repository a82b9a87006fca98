"""The model server and its store: versions, hashes, promotion, rollback, evaluation, restarts."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import grpc
import numpy as np
import pytest
from conftest import serving, status
from generals_reference import models, rpc
from generals_reference.evaluation import Evaluation
from generals_reference.model_server import ModelServer
from generals_reference.model_store import ModelStore
from generals_reference.policy import network
from generals_reference.v1 import model_pb2, model_pb2_grpc

Code = grpc.StatusCode
MATCHES = 10
RNG = np.random.default_rng(0)


@dataclass
class Client:
    """A model server on a folder, and clients of it."""

    folder: Path
    servicer: ModelServer
    channel: grpc.Channel

    @property
    def stub(self) -> model_pb2_grpc.ModelServerStub:
        return model_pb2_grpc.ModelServerStub(self.channel)

    @property
    def servers(self) -> rpc.Servers:
        servers = rpc.Servers(("127.0.0.1:1",), model_pb2_grpc.ModelServerStub, "test")
        servers.stubs = [self.stub]
        return servers

    def publish(self, seed: int) -> model_pb2.Version:
        return models.publish(self.servers, network.initial(seed), step=seed)

    def follow(self, which: int) -> models.Followed:
        followed = models.Followed(self.servers, which, RNG)
        followed.refresh()
        return followed

    def report(self, version: int, against: int, *scores: float) -> int:
        matches = [
            model_pb2.Match(version=version, against=against, score=score) for score in scores
        ]
        return self.stub.Report(model_pb2.ReportRequest(matches=matches)).promoted

    def listed(self) -> list[model_pb2.Version]:
        return list(self.stub.List(model_pb2.ListRequest()).versions)


def servicer(folder: Path, keep: int = 5) -> ModelServer:
    store = ModelStore(folder, keep)
    return ModelServer(store, Evaluation(store, MATCHES))


@pytest.fixture
def client(tmp_path: Path) -> Iterator[Client]:
    model_server = servicer(tmp_path / "models")
    register = model_pb2_grpc.add_ModelServerServicer_to_server
    with serving(lambda server: register(model_server, server)) as channel:
        yield Client(tmp_path / "models", model_server, channel)


def same(one: network.Weights, other: network.Weights) -> bool:
    return all((one[name] == other[name]).all() for name in network.SHAPES)


def test_what_is_published_is_fetched(client: Client) -> None:
    assert client.follow(models.LATEST).version == 0  # nothing yet
    version = client.publish(1)
    assert (version.number, version.step, version.promoted) == (1, 1, True)
    assert same(client.follow(models.LATEST).player.weights, network.initial(1))


def test_only_what_is_new_is_sent(client: Client) -> None:
    client.publish(1)
    followed = models.Followed(client.servers, models.LATEST, RNG)
    assert followed.refresh()
    assert not followed.refresh()
    client.publish(2)
    assert followed.refresh()
    assert (followed.version, same(followed.player.weights, network.initial(2))) == (2, True)


def test_the_same_weights_are_the_same_version(client: Client) -> None:
    assert [client.publish(seed).number for seed in (1, 2, 1)] == [1, 2, 1]


def test_latest_is_not_promoted_until_somebody_says_so(client: Client) -> None:
    for seed in (1, 2, 3):
        client.publish(seed)
    assert client.follow(models.PROMOTED).version == 1
    assert client.follow(models.LATEST).version == 3
    assert client.stub.Promote(model_pb2.PromoteRequest(number=3)).promoted
    assert client.follow(models.PROMOTED).version == 3
    assert client.stub.Rollback(model_pb2.RollbackRequest()).number == 1
    assert client.follow(models.PROMOTED).version == 1
    assert status(lambda: client.stub.Rollback(model_pb2.RollbackRequest()))[0] == Code.NOT_FOUND


def test_unknown_versions_are_not_found(client: Client) -> None:
    client.publish(1)
    request = model_pb2.GetRequest(which=models.Which.NUMBER, number=9)
    assert status(lambda: list(client.stub.Get(request))) == (
        Code.NOT_FOUND,
        "there is no version 9",
    )
    assert status(lambda: client.stub.Promote(model_pb2.PromoteRequest(number=9)))[0] == (
        Code.NOT_FOUND
    )


def test_weights_damaged_on_their_way_are_refused(client: Client) -> None:
    data = network.to_bytes(network.initial(1))
    header = model_pb2.Version(sha256=hashlib.sha256(data).hexdigest(), size=len(data))
    parts = [model_pb2.PublishRequest(header=header), model_pb2.PublishRequest(chunk=data[:-1])]
    assert status(lambda: client.stub.Publish(iter(parts)))[0] == Code.DATA_LOSS
    too_much = [*parts, model_pb2.PublishRequest(chunk=b"xx")]
    assert status(lambda: client.stub.Publish(iter(too_much)))[0] == Code.INVALID_ARGUMENT
    assert status(lambda: client.stub.Publish(iter([])))[0] == Code.INVALID_ARGUMENT
    assert client.listed() == []


def test_weights_damaged_on_disk_are_not_served(client: Client) -> None:
    client.publish(1)
    path = client.folder / "000001.weights"
    data = bytearray(path.read_bytes())
    data[500] ^= 1
    path.write_bytes(data)
    code, details = status(lambda: client.follow(models.LATEST))
    assert (code, "damaged" in details) == (Code.DATA_LOSS, True)


def test_everything_survives_a_restart(client: Client) -> None:
    for seed in (1, 2, 3):
        client.publish(seed)
    client.stub.Promote(model_pb2.PromoteRequest(number=2))
    client.report(2, 0, 1, 1, 1)
    (client.folder / ".000004.weights.77").write_bytes(b"half a file")
    (client.folder / "000005.json").write_text("{}")  # its weights never came
    again = servicer(client.folder)
    assert sorted(again.store.versions) == [1, 2, 3]
    assert again.store.current.number == 2
    assert again.store.rollback().number == 1
    assert again.evaluation.rating(2) == client.servicer.evaluation.rating(2) > 0


def test_old_versions_are_forgotten_but_never_the_promoted_ones(client: Client) -> None:
    for seed in range(1, 12):
        client.publish(seed)
    assert [version.number for version in client.listed()] == [1, 7, 8, 9, 10, 11]
    assert len(list(client.folder.glob("*.weights"))) == 6


def test_a_candidate_that_wins_is_promoted(client: Client) -> None:
    for seed in (1, 2):
        client.publish(seed)
    assert client.follow(models.CANDIDATE).version == 2
    assert client.report(2, 1, *[1] * 6, *[0] * 3) == 1
    client.publish(3)
    assert client.follow(models.CANDIDATE).version == 2  # until it is decided
    assert client.report(2, 1, 1) == 2
    assert client.follow(models.PROMOTED).version == 2
    assert client.follow(models.CANDIDATE).version == 3


def test_a_candidate_that_does_not_win_is_not(client: Client) -> None:
    for seed in (1, 2, 3):
        client.publish(seed)
    assert client.report(2, 1, *[1] * 20) == 1  # not the candidate: that is the newest, 3
    assert client.report(3, 1, *[0.5] * 10) == 1
    client.publish(4)
    assert client.follow(models.CANDIDATE).version == 4


def test_ratings_are_above_the_random_player(client: Client) -> None:
    client.publish(1)
    client.report(1, 0, *[1] * 50)
    (version,) = client.listed()
    assert version.rating > 150
    assert version.matches == 50
    client.publish(2)
    assert client.listed()[1].rating == pytest.approx(version.rating)  # where it begins
    client.report(2, 1, 0)
    assert client.listed()[1].rating < version.rating < client.listed()[0].rating


def test_results_of_forgotten_versions_count_for_nothing(client: Client) -> None:
    client.publish(1)
    assert client.report(77, 1, 1) == 1
    assert client.listed()[0].matches == 0
    assert status(lambda: client.report(1, 0, 7))[0] == Code.INVALID_ARGUMENT


def test_agents_take_the_rolled_back_version(client: Client) -> None:
    for seed in (1, 2):
        client.publish(seed)
    client.stub.Promote(model_pb2.PromoteRequest(number=2))
    followed = client.follow(models.PROMOTED)
    client.stub.Rollback(model_pb2.RollbackRequest())
    assert followed.refresh()
    assert np.array_equal(
        followed.player.weights["hidden1.weight"], network.initial(1)["hidden1.weight"]
    )
