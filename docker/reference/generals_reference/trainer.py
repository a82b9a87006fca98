"""The trainer: ``trainer``. Learns from the buffer, checkpoints, publishes to the model server."""

from __future__ import annotations

import hashlib
import logging
import os
import time
from collections.abc import Callable
from typing import TypeVar

import grpc
import numpy as np
from prometheus_client import Counter, Gauge

from generals_reference import metrics, models, service, supply, trace
from generals_reference.checkpoints import Checkpoints
from generals_reference.experience import unpack
from generals_reference.policy import network
from generals_reference.policy.learner import Group, Learner, Update
from generals_reference.settings import Settings
from generals_reference.storage import storage
from generals_reference.supply import Supply
from generals_reference.v1 import buffer_pb2

PAUSE = 2.0  # seconds between looks at a buffer with too little in it
UPDATES = Counter("generals_learner_updates_total", "Updates of the weights")
STEP = Gauge("generals_learner_step", "Updates since the weights were random")
LOSS = Gauge("generals_learner_loss", "Loss of the last update", ["part"])
STALENESS = Gauge("generals_learner_staleness", "Mean age of the last batch, in seconds")
CHECKPOINTED = Gauge(
    "generals_checkpoint_timestamp_seconds", "When the last checkpoint was written"
)
PUBLISHED = Gauge("generals_learner_published_version", "Newest version published")

T = TypeVar("T")
log = logging.getLogger(__name__)


class Trainer:
    """Samples, updates, checkpoints and publishes, until asked to stop."""

    def __init__(self, settings: Settings, stop: service.Stop) -> None:
        self.stop = stop
        self.checkpoint_every = settings.integer("CHECKPOINT_EVERY", 100, 1, 1_000_000)  # updates
        self.publish_every = settings.integer("PUBLISH_EVERY", 20, 1, 1_000_000)
        self.heartbeat = metrics.Heartbeat()
        self.supply = Supply(settings)
        self.models = models.servers(settings, settings.name)
        self.checkpoints = Checkpoints(storage(settings, "trainer"))
        self.group = Group()
        self.learner = Learner(self.group, self.checkpoints.newest() if self.group.leads else None)
        self.to_publish = self.group.leads

    def run(self) -> None:
        """Train until asked to stop; then checkpoint.

        Raises RuntimeError where another process of the group was asked: whoever runs this one
        starts it again, and it waits until all are back.
        """
        while self.group.all(not self.stop.is_set()):
            self.heartbeat.beat()
            self.attempt(self.publish)
            if not self.train():
                self.stop.wait(PAUSE)
        if self.learner.step:
            self.checkpoint()
        self.group.leave()
        if not self.stop.is_set():
            raise RuntimeError("a trainer that learns with this one was stopped")

    def attempt(self, call: Callable[[], T]) -> T | None:
        """What `call` returns; None if a service it needs is away."""
        try:
            return call()
        except grpc.RpcError as error:
            log.warning("waiting", extra={"code": str(error.code()), "why": error.details()})
            return None

    def train(self) -> bool:
        """One update, if there is enough new to learn from, for every process that trains."""
        batch = self.attempt(self.supply.batch)
        if not self.group.all(batch is not None) or batch is None:
            return False
        parent, links = supply.origins(batch)
        with trace.span("update", parent, links=links) as span:
            self.learn(batch)
            span.attributes |= {"learner.step": self.learner.step}
        return True

    def learn(self, batch: buffer_pb2.SampleReply) -> None:
        """One update with a batch, and what is due after it."""
        fragments = [unpack(experience) for experience in batch.experiences]
        chosen = supply.alike(fragments)
        importance = np.array(batch.weight, np.float32)[chosen]
        update = self.learner.update([fragments[index] for index in chosen], importance)
        self.show(update, batch)
        sequence = [batch.sequence[index] for index in chosen]
        self.attempt(lambda: self.supply.surprised(sequence, (update.surprise + 1e-3).tolist()))
        if self.learner.step % self.checkpoint_every == 0:
            self.checkpoint()
        if self.group.leads:
            self.to_publish |= self.learner.step % self.publish_every == 0

    def show(self, update: Update, batch: buffer_pb2.SampleReply) -> None:
        """Bring the metrics up to date."""
        UPDATES.inc()
        STEP.set(self.learner.step)
        for part in ("loss", "policy_loss", "value_loss", "entropy"):
            LOSS.labels(part).set(getattr(update, part))
        created = np.mean([experience.created for experience in batch.experiences])
        STALENESS.set(time.time() - float(created))

    def checkpoint(self) -> None:
        """Write a checkpoint; of processes that learn together one does. All tell their weights."""
        with trace.span("checkpoint"):
            if self.group.leads:
                self.checkpoints.save(self.learner.step, self.learner.to_bytes())
                CHECKPOINTED.set_to_current_time()
            digest = hashlib.sha256(network.to_bytes(self.learner.weights)).hexdigest()
            log.info("checkpoint", extra={"step": self.learner.step, "weights": digest})

    def publish(self) -> None:
        """Publish the weights if it is time; a model server that is away gets them later."""
        if not self.to_publish:
            return
        with trace.span("publish"):
            version = models.publish(self.models, self.learner.weights, self.learner.step)
        self.to_publish = False
        PUBLISHED.set(version.number)


def run(settings: Settings, stop: service.Stop) -> None:
    trainer = Trainer(settings, stop)
    if os.environ.get("LOCAL_RANK", "0") == "0":  # one of those that share a host
        metrics.serve(settings.metrics_port, trainer.heartbeat)
    log.info("training", extra={"step": trainer.learner.step})
    trainer.run()


def main() -> None:
    service.run("trainer", run)
