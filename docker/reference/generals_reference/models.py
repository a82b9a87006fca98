"""Client of the model server: fetch and publish weights, checked by their hash."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

import grpc
import numpy as np

from generals_reference import rpc
from generals_reference.policy import network
from generals_reference.policy.players import Policy
from generals_reference.settings import Settings
from generals_reference.v1 import model_pb2, model_pb2_grpc

CHUNK = 1 << 20  # bytes
TIMEOUT = 30.0  # seconds
Which = model_pb2.GetRequest
LATEST, PROMOTED, CANDIDATE = Which.LATEST, Which.PROMOTED, Which.CANDIDATE


def servers(settings: Settings, client: str) -> rpc.Servers:
    return rpc.servers(settings, "MODEL_SERVER", 50053, model_pb2_grpc.ModelServerStub, client)


class Followed:
    """A player of one choice (latest, promoted, candidate), with new weights when there are."""

    def __init__(self, models: rpc.Servers, which: int, rng: np.random.Generator) -> None:
        self.models, self.which = models, which
        self.version = 0  # 0 until something was published
        self.sha256 = ""
        self.player = Policy(network.initial(), rng)

    def refresh(self) -> bool:
        """Fetch what is new; True if there was something. Raises grpc.RpcError."""
        request = model_pb2.GetRequest(which=self.which, known_sha256=self.sha256)
        try:
            replies = self.models.stub.Get(request, timeout=TIMEOUT, metadata=rpc.metadata())
            header = next(replies).header
            data = b"".join(reply.chunk for reply in replies)
        except grpc.RpcError as error:
            if error.code() == grpc.StatusCode.NOT_FOUND:
                return False
            self.models.next()
            raise
        self.version = header.number
        if header.sha256 == self.sha256:
            return False
        if hashlib.sha256(data).hexdigest() != header.sha256:
            raise ValueError(f"version {header.number} was damaged on its way")
        self.player.weights, self.sha256 = network.from_bytes(data), header.sha256
        return True


def publish(models: rpc.Servers, weights: network.Weights, step: int) -> model_pb2.Version:
    """Publish weights to every model server and return the version of the last one."""
    data = network.to_bytes(weights)
    header = model_pb2.Version(sha256=hashlib.sha256(data).hexdigest(), size=len(data), step=step)
    version = header
    for stub in models.stubs:
        version = stub.Publish(_parts(header, data), timeout=TIMEOUT, metadata=rpc.metadata())
    return version


def _parts(header: model_pb2.Version, data: bytes) -> Iterator[model_pb2.PublishRequest]:
    yield model_pb2.PublishRequest(header=header)
    for start in range(0, len(data), CHUNK):
        yield model_pb2.PublishRequest(chunk=data[start : start + CHUNK])
