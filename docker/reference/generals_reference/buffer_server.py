"""The experience buffer: ``experience-buffer``, gRPC on port 50052, over a Redis with an AOF."""

from __future__ import annotations

import functools
import logging
import math
import threading
import time
from collections.abc import Callable
from typing import Any

import grpc
import redis
from prometheus_client import Counter, Gauge, Histogram

from generals_reference import service
from generals_reference.buffer_store import Store
from generals_reference.experience import Malformed, unpack
from generals_reference.refused import Refused
from generals_reference.settings import Settings, SettingsError
from generals_reference.v1 import buffer_pb2, buffer_pb2_grpc

PORT = 50052
WATCH = 2.0  # seconds between looks at Redis
MAX_SAMPLE = 4096
APPENDS_UNDER_WAY = 8  # more are pushed back: Redis cannot keep up
FILL = Gauge("generals_buffer_fill", "Experiences held")
CAPACITY = Gauge("generals_buffer_capacity", "Experiences that can be held (BUFFER_SIZE)")
APPENDED = Counter("generals_experiences_appended_total", "Experiences stored")
SAMPLED = Counter("generals_experiences_sampled_total", "Experiences drawn")
REFUSED = Counter("generals_experiences_refused_total", "Appends refused", ["reason"])
for reason in ("malformed", "memory", "busy"):
    REFUSED.labels(reason)  # zeros, so that rates begin at 0
AGE = Histogram(
    "generals_sample_age_seconds",
    "Age of drawn experiences",
    buckets=(1, 5, 15, 30, 60, 120, 300, 900, 3600),
)

log = logging.getLogger(__name__)
Code = grpc.StatusCode


def guarded(answer: Callable[..., Any]) -> Callable[..., Any]:
    """Turn what Redis raises into statuses that a client can act on."""

    @functools.wraps(answer)
    def call(self: ExperienceBuffer, request: Any, context: grpc.ServicerContext) -> Any:
        try:
            return answer(self, request)
        except redis.exceptions.OutOfMemoryError as error:
            REFUSED.labels("memory").inc()
            raise Refused(Code.RESOURCE_EXHAUSTED, f"Redis is full: {error}") from error
        except (redis.ConnectionError, redis.TimeoutError) as error:
            raise Refused(Code.UNAVAILABLE, f"Redis: {error}") from error

    return call


class ExperienceBuffer(buffer_pb2_grpc.ExperienceBufferServicer):
    """Answers calls out of `store`."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.room = threading.BoundedSemaphore(APPENDS_UNDER_WAY)

    @guarded
    def Append(self, request: Any) -> Any:  # noqa: N802
        for index, experience in enumerate(request.experiences):
            try:
                unpack(experience)
            except Malformed as error:
                REFUSED.labels("malformed").inc()
                raise Refused(Code.INVALID_ARGUMENT, f"experience {index}: {error}") from None
        if not self.room.acquire(blocking=False):
            REFUSED.labels("busy").inc()
            raise Refused(Code.RESOURCE_EXHAUSTED, "too many appends under way; try again later")
        try:
            stored = self.store.append(request.experiences)
        finally:
            self.room.release()
        APPENDED.inc(stored)
        FILL.set(self.store.fill)
        repeated = len(request.experiences) - stored
        return buffer_pb2.AppendReply(stored=stored, repeated_ids=repeated, fill=self.store.fill)

    @guarded
    def Sample(self, request: Any) -> Any:  # noqa: N802
        if not 1 <= request.count <= MAX_SAMPLE:
            raise Refused(Code.INVALID_ARGUMENT, f"count is not within 1 and {MAX_SAMPLE}")
        if not self.store.fill:
            raise Refused(Code.FAILED_PRECONDITION, "no experiences yet")
        draw = self.store.sample(request.count, request.strategy == request.PRIORITISED)
        experiences = [buffer_pb2.Experience.FromString(payload) for payload in draw.payloads]
        SAMPLED.inc(len(experiences))
        now = time.time()
        for experience in experiences:
            AGE.observe(max(0.0, now - experience.created))
        return buffer_pb2.SampleReply(
            experiences=experiences,
            sequence=draw.sequence.tolist(),
            weight=draw.weights.tolist(),
            appended=self.store.next,
        )

    @guarded
    def Prioritise(self, request: Any) -> Any:  # noqa: N802
        if len(request.sequence) != len(request.priority):
            raise Refused(Code.INVALID_ARGUMENT, "as many priorities as sequence numbers, please")
        if not all(math.isfinite(value) and value > 0 for value in request.priority):
            raise Refused(Code.INVALID_ARGUMENT, "priorities are finite and above 0")
        self.store.prioritise(request.sequence, request.priority)
        return buffer_pb2.PrioritiseReply()

    @guarded
    def Stats(self, request: Any) -> Any:  # noqa: N802
        return buffer_pb2.StatsReply(
            fill=self.store.fill, capacity=self.store.capacity, appended=self.store.next
        )

    def follow_redis(self, health: service.Health, stop: service.Stop) -> None:
        """Be healthy while Redis answers, and read its contents anew after it was away."""
        there = False
        while not stop.is_set():
            try:
                if there:
                    self.store.redis.ping()
                else:
                    self.store.load()
                if not there:
                    log.info("Redis is there")
                there = True
            except redis.RedisError as error:
                if there:
                    log.error("Redis is away: %s", error)
                there = False
            health.set(serving=there)
            FILL.set(self.store.fill)
            stop.wait(WATCH if there else 0.5)


def connect(settings: Settings) -> redis.Redis:
    """The Redis of REDIS_URL."""
    url = settings.text("REDIS_URL", "redis://localhost:6379/0")
    try:
        return redis.Redis.from_url(url, socket_timeout=10, socket_connect_timeout=3)
    except ValueError as error:
        raise SettingsError(f"REDIS_URL: {error}") from None


def run(settings: Settings, stop: service.Stop) -> None:
    capacity = settings.integer("BUFFER_SIZE", 10_000, 1, 10_000_000)
    CAPACITY.set(capacity)
    buffer = ExperienceBuffer(Store(connect(settings), capacity))
    health = service.Health()
    health.set(serving=False)
    threading.Thread(target=buffer.follow_redis, args=(health, stop), daemon=True).start()
    service.serve(
        settings,
        stop,
        PORT,
        "generals.v1.ExperienceBuffer",
        functools.partial(buffer_pb2_grpc.add_ExperienceBufferServicer_to_server, buffer),
        health=health,
    )


def main() -> None:
    service.run("experience-buffer", run)
