"""The model server: ``model-server``, gRPC on port 50053."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

import grpc
from prometheus_client import Counter, Gauge

from generals_reference import evaluation, service
from generals_reference.evaluation import Evaluation
from generals_reference.model_store import ModelStore, Version
from generals_reference.refused import Refused
from generals_reference.settings import Settings
from generals_reference.v1 import model_pb2, model_pb2_grpc

PORT = 50053
CHUNK = 1 << 20  # bytes
MAX_WEIGHTS = 1 << 30  # bytes
LATEST = Gauge("generals_model_latest_version", "Newest version of the weights")
PROMOTED = Gauge("generals_model_promoted_version", "Version that agents play with")
RATING = Gauge("generals_model_rating", "Elo points above the random player", ["which"])
MATCHES = Counter("generals_model_matches_total", "Evaluation matches reported", ["against"])
VERSIONS = Gauge("generals_model_versions", "Versions held")

log = logging.getLogger(__name__)
Code = grpc.StatusCode


class ModelServer(model_pb2_grpc.ModelServerServicer):
    """Answers calls out of `store`."""

    def __init__(self, store: ModelStore, evaluation: Evaluation) -> None:
        self.store, self.evaluation = store, evaluation
        self.show()

    def show(self) -> None:
        """Bring the metrics up to date."""
        latest, current = self.store.latest, self.store.current
        LATEST.set(latest.number if latest else 0)
        PROMOTED.set(current.number if current else 0)
        VERSIONS.set(len(self.store.versions))
        for which, version in (("latest", latest), ("promoted", current)):
            RATING.labels(which).set(self.evaluation.rating(version.number) if version else 0)

    def message(self, version: Version) -> Any:
        current = self.store.current
        promoted = current is not None and current.number == version.number
        return model_pb2.Version(
            promoted=promoted,
            rating=self.evaluation.rating(version.number),
            matches=self.evaluation.standing.played.get(version.number, 0),
            **asdict(version),
        )

    def Publish(self, requests: Iterator[Any], context: grpc.ServicerContext) -> Any:  # noqa: N802
        header = next(requests, model_pb2.PublishRequest()).header
        if not header.sha256 or header.size > MAX_WEIGHTS:
            raise Refused(Code.INVALID_ARGUMENT, "a header with sha256 and an allowed size first")
        data = bytearray()
        for request in requests:
            data += request.chunk
            if len(data) > header.size:
                raise Refused(Code.INVALID_ARGUMENT, "more weights than the header says")
        version = self.store.publish(bytes(data), header.sha256, header.step)
        if self.store.current is None:
            self.store.promote(version.number)  # agents have to begin with something
        log.info("published", extra={"version": version.number, "step": version.step})
        self.show()
        return self.message(version)

    def Get(self, request: Any, context: grpc.ServicerContext) -> Iterator[Any]:  # noqa: N802
        version = self.find(request)
        yield model_pb2.GetReply(header=self.message(version))
        if version.sha256 == request.known_sha256:
            return
        data = self.store.weights(version)
        for start in range(0, len(data), CHUNK):
            yield model_pb2.GetReply(chunk=data[start : start + CHUNK])

    def find(self, request: Any) -> Version:
        """The version that a GetRequest means."""
        if request.which == request.NUMBER:
            return self.store.get(request.number)
        if request.which == request.CANDIDATE:
            found = self.evaluation.candidate()
        else:
            found = self.store.latest if request.which == request.LATEST else self.store.current
        if found is None:
            raise Refused(Code.NOT_FOUND, "nothing was published yet")
        return found

    def List(self, request: Any, context: grpc.ServicerContext) -> Any:  # noqa: N802
        versions = sorted(self.store.versions.values(), key=lambda version: version.number)
        return model_pb2.ListReply(versions=map(self.message, versions))

    def Promote(self, request: Any, context: grpc.ServicerContext) -> Any:  # noqa: N802
        return self.promoted(self.store.promote(request.number))

    def Rollback(self, request: Any, context: grpc.ServicerContext) -> Any:  # noqa: N802
        return self.promoted(self.store.rollback())

    def Report(self, request: Any, context: grpc.ServicerContext) -> Any:  # noqa: N802
        for match in request.matches:
            if not 0 <= match.score <= 1:
                raise Refused(Code.INVALID_ARGUMENT, "a score is within 0 and 1")
            if not {match.version, match.against} <= {evaluation.RANDOM, *self.store.versions}:
                continue  # it was forgotten while the match was played
            promoted = self.evaluation.report(match.version, match.against, match.score)
            MATCHES.labels("promoted" if match.against else "random").inc()
            if promoted:
                log.info("won its promotion", extra={"version": match.version})
        self.show()
        current = self.store.current
        return model_pb2.ReportReply(promoted=current.number if current else 0)

    def promoted(self, version: Version) -> Any:
        log.info("promoted", extra={"version": version.number})
        self.show()
        return self.message(version)


def run(settings: Settings, stop: service.Stop) -> None:
    folder = Path(settings.text("MODEL_CHECKPOINT_DIR", "/checkpoints")) / "models"
    store = ModelStore(folder, settings.integer("KEEP_VERSIONS", 50, 2, 10_000))
    matches = settings.integer("EVALUATION_MATCHES", evaluation.MATCHES, 1, 1_000_000)
    models = ModelServer(store, Evaluation(store, matches))
    service.serve(
        settings,
        stop,
        PORT,
        "generals.v1.ModelServer",
        partial(model_pb2_grpc.add_ModelServerServicer_to_server, models),
    )


def main() -> None:
    service.run("model-server", run)
